// Speedy sends one status per message: {"eventId", "trackingNumber", "eventCode", "eventTime", "eta", "depot", …}.
const crypto = require('crypto');

const STATUSES = {
  AN: 'announced',
  PU: 'picked_up',
  IT: 'in_transit',
  OD: 'out_for_delivery',
  DL: 'delivered',
  DY: 'delayed',
  EX: 'exception',
  RT: 'returned',
};
const said = $input.first().json.body || {};
const digest = crypto.createHash('sha256').update(JSON.stringify(said)).digest('hex');
const given = (value) => value !== undefined && value !== null && value !== '';

try {
  const status = STATUSES[String(said.eventCode || '').toUpperCase()];
  if (!status) throw new Error(`eventCode ${said.eventCode} is unknown`);
  if (!given(said.trackingNumber)) throw new Error('it names no trackingNumber');
  const body = {
    carrier: 'Speedy',
    tracking_reference: String(said.trackingNumber).slice(0, 100),
    status,
    occurred_at: new Date(said.eventTime).toISOString(),
    accept_as_case: true,
  };
  if (given(said.eta)) body.expected_at = new Date(said.eta).toISOString();
  if (given(said.depot)) body.place = String(said.depot).slice(0, 200);
  if (given(said.reason)) body.reason_code = String(said.reason).slice(0, 40);
  const key = `speedy-${given(said.eventId) ? String(said.eventId).slice(0, 100) : digest}`;
  const began = new Date().toISOString();
  return [{ json: { receiver: 'odoo', path: 'carrier-statuses', key, body, began, keep: true } }];
} catch (error) {
  return [{ json: NOT_UNDERSTOOD('speedy', 'carrier_message', error.message, said, digest) }];
}
