-- The codes that a person was shown, for when they are erased: without it, an erasure reads every code of two weeks (0.3 s
-- for a million) while it holds what it has taken up. Measured with a million codes, written 128 at a time: no difference
-- in time beyond the noise (about 60 us a code), and 0.1 KiB of WAL more for each code, 0.5 right after a checkpoint.
CREATE INDEX codes_person ON codes (channel_id, person);
