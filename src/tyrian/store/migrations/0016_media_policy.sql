-- What is done about the files of messages before they are sent, channel by channel (domain.media.MediaPolicy).

ALTER TABLE channels ADD COLUMN media text NOT NULL DEFAULT 'as_is';
