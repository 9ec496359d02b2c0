-- A copy of production sends nothing and knows no secret of production.
UPDATE distribution_webhook_subscription SET state = 'paused' WHERE state = 'active';
UPDATE distribution_webhook_delivery SET state = 'dropped', lease_until = NULL WHERE state IN ('pending', 'sending');
DELETE FROM distribution_webhook_secret;
-- Nor does it know a key of production: whoever calls with one is turned away.
DELETE FROM distribution_api_secret;
DELETE FROM distribution_metrics_token;
