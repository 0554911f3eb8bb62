-- Channel groups.

-- The members of a group that were tried for a step since its last pause, by number with commas between.
ALTER TABLE sends ADD COLUMN tried text;
