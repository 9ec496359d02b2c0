-- A copy of the production database asks nobody outside, and holds no credentials.
UPDATE distribution_approval_outside_check SET state = 'paused' WHERE state = 'active';
DELETE FROM distribution_approval_outside_secret;
