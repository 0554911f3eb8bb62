"""The operations on hosted files."""

from typing import Any, Final

from tyrian.protocols.native import media, media_wire as wire
from tyrian.protocols.native.operation import Answer, Operation

_ID: Final = "01980f5e-6c00-7000-8000-3f2a9b1c4d5e"
_URL: Final = (
    f"https://gateway.example/media/{_ID}/spring.jpg?e=1775035800&s=ymwY6fBSrHpLJy7zvJbkCzsFZg9yJ1Xg0yxT3YFv2nQ"
)
FILE: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "spring.jpg",
    "content_type": "image/jpeg",
    "size": 184_320,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "width": 800,
    "height": 600,
    "ratio": 1.333,
    "duration": None,
    "animated": False,
    "created_at": "2026-03-01T09:30:00.000Z",
    "keep_until": "2026-03-31T09:30:00.000Z",
    "url": _URL,
    "url_expires_at": "2026-03-31T09:30:00.000Z",
}
PROBED: Final[dict[str, Any]] = {
    "fits": False,
    "url": "https://shop.example/spring.jpg",
    "final_url": "https://shop.example/spring.jpg",
    "status": 206,
    "declared_type": "image/jpeg",
    "content_type": "image/jpeg",
    "size": 2_621_440,
    "width": 4000,
    "height": 3000,
    "ratio": 1.333,
    "duration": None,
    "animated": False,
    "ranges": True,
    "problems": [
        {
            "pointer": "/url",
            "message": "leads to a file that has 2621440 bytes; this channel takes at most 1048576",
            "code": "limit",
        }
    ],
}
FETCH: Final[dict[str, Any]] = {
    "as it is": {"url": "https://shop.example/spring.jpg"},
    "made to fit a channel": {
        "url": "https://shop.example/spring.jpg",
        "name": "spring.jpg",
        "fit": {"channel": "demo-viber", "content": "image"},
    },
}
PROBE: Final[dict[str, Any]] = {
    "what is it": {"url": "https://shop.example/spring.jpg"},
    "would this channel take it": {
        "url": "https://shop.example/spring.jpg",
        "fit": {"channel": "demo-viber", "content": "image"},
    },
}
OPTIMISE: Final[dict[str, Any]] = {
    "as a channel takes it": {"fit": {"channel": "demo-viber", "content": "image"}},
    "a thumbnail": {"max_width": 400, "max_height": 400, "max_bytes": 102_400, "types": ["image/jpeg"]},
}
_SCOPE: Final = "media:manage"
_NEW: Final = Answer(status=201, description="The file, kept.", type=wire.MediaAnswer, example=FILE)
_KNOWN: Final = Answer(
    status=200, description="The account has these bytes already.", type=wire.MediaAnswer, example=FILE
)

MEDIA: Final = (
    Operation(
        method="POST",
        path="/api/v1/media",
        name="uploadMedia",
        tag="Media",
        summary="Upload a file",
        description=(
            "Keeps the body as a file and answers with a signed link to it. What the file is, its bytes tell: "
            "pictures (JPEG, PNG, GIF, WebP), films (MP4, M4V, QuickTime, 3GP), sounds, documents. Programs, "
            "archives, web pages, SVG, and files that are two things at once are refused, as are those that are "
            "damaged or cut short. The same bytes are kept once: a second upload of them gets the first's file, under "
            "the new name.\n\n"
            "With `channel`, a picture that the channel would not take is made to fit it, and that one is answered."
        ),
        scope=_SCOPE,
        handler=media.upload,
        query=wire.UploadParameters,
        streams=True,
        answers=(_NEW, _KNOWN),
    ),
    Operation(
        method="POST",
        path="/api/v1/media/fetch",
        name="fetchMedia",
        tag="Media",
        summary="Host what is behind a URL",
        description=(
            "Fetches a file and keeps it like an upload. Redirects are followed, five at most; private addresses are "
            "not called; the setting `media_fetch_seconds` bounds the time."
        ),
        scope=_SCOPE,
        handler=media.fetch,
        body=wire.MediaFetchRequest,
        examples=FETCH,
        answers=(_NEW, _KNOWN),
    ),
    Operation(
        method="POST",
        path="/api/v1/media/probe",
        name="probeMedia",
        tag="Media",
        summary="Look at a URL before sending it",
        description=(
            "Asks for the file as a network would: does its server answer, with what, and is it what it is called; "
            "how large, how long, how many pixels. With `fit`, everything that would keep the channel from taking it "
            "stands in `problems`. Of a film only the parts that tell are fetched, where its server gives parts."
        ),
        scope=_SCOPE,
        handler=media.probe,
        body=wire.MediaProbeRequest,
        examples=PROBE,
        answers=(Answer(status=200, description="What was found.", type=wire.ProbeAnswer, example=PROBED),),
    ),
    Operation(
        method="GET",
        path="/api/v1/media",
        name="listMedia",
        tag="Media",
        summary="List files",
        description="The account's files, newest first, and how much of its space they take.",
        scope=_SCOPE,
        handler=media.list_media,
        query=wire.MediaListParameters,
        answers=(
            Answer(
                status=200,
                description="A page.",
                type=wire.MediaList,
                example={"media": [FILE], "next": None, "used_bytes": 184_320, "quota_bytes": 5_368_709_120},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/media/{id}",
        name="getMedia",
        tag="Media",
        summary="Read a file's description",
        description=(
            "What is known of a file, with a link to its bytes. The link serves as long as the file is kept, or for "
            "`link_seconds`."
        ),
        scope=_SCOPE,
        handler=media.get_media,
        query=wire.MediaParameters,
        identifies="file",
        answers=(Answer(status=200, description="The file.", type=wire.MediaAnswer, example=FILE),),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/media/{id}",
        name="deleteMedia",
        tag="Media",
        summary="Remove a file",
        description="Removes a file, and with it every link to it.",
        scope=_SCOPE,
        handler=media.delete_media,
        identifies="file",
        answers=(Answer(status=204, description="Removed."),),
    ),
    Operation(
        method="POST",
        path="/api/v1/media/{id}/optimise",
        name="optimiseMedia",
        tag="Media",
        summary="Make a picture fit",
        description=(
            "Makes a picture anew, as a channel takes it or within bounds of your own: smaller, lighter, as JPEG, PNG "
            "or WebP, turned upright, without the metadata of the camera. The picture it was made from stays. What "
            "was made once is kept and answered again; a picture that fits as it is is answered itself."
        ),
        scope=_SCOPE,
        handler=media.optimise,
        body=wire.OptimiseRequest,
        examples=OPTIMISE,
        identifies="file",
        answers=(
            Answer(status=201, description="The picture, made.", type=wire.MediaAnswer, example=FILE),
            Answer(status=200, description="It was there already.", type=wire.MediaAnswer, example=FILE),
        ),
    ),
)
