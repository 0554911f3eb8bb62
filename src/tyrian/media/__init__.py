"""Files of customers and people: taken in, looked at, made to fit, and hosted.

`desk` is the whole of it behind one port (`engine.media_port`); `host` serves the files to whoever has a signed URL.
What a file is, only its bytes tell (`kinds`, `boxes`, `pictures`); pictures are opened in a process of their own
(`workshop`, `worker`), because what opens them is large, and what they hold was chosen by strangers.
"""
