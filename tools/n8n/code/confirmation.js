// The supplier's confirmation in the words of the suite. Change the left side to what your supplier sends.
const crypto = require('crypto');

const ANSWERS = {
  OK: 'accepted',
  CHANGED: 'changed',
  BACKORDER: 'backordered',
  SUBSTITUTE: 'substituted',
  NO: 'rejected',
};
const said = $input.first().json.body || {};
const began = new Date().toISOString();
const digest = crypto.createHash('sha256').update(JSON.stringify(said)).digest('hex');
const given = (value) => value !== undefined && value !== null && value !== '';

function line(position) {
  const status = ANSWERS[String(position.answer || '').toUpperCase()];
  if (!status) throw new Error(`answer ${position.answer} is unknown`);
  const made = { status };
  if (Number.isInteger(position.line)) made.line_id = position.line;
  else if (given(position.article)) made.product = { code: String(position.article) };
  else throw new Error('a position names neither line nor article');
  if (given(position.quantity)) made.quantity = Number(position.quantity);
  if (given(position.delivery)) made.promised_date = String(position.delivery).slice(0, 10);
  if (given(position.price)) made.price_unit = Number(position.price);
  if (given(position.substitute)) made.substitute = { code: String(position.substitute) };
  if (given(position.remark)) made.note = String(position.remark).slice(0, 1000);
  return made;
}

try {
  if (!given(said.order)) throw new Error('it names no order');
  const body = {
    order: { name: String(said.order) },
    confirmed_at: new Date(said.confirmedAt || began).toISOString(),
    lines: (said.positions || []).map(line),
    accept_as_case: true,
  };
  if (given(said.number)) body.vendor_reference = String(said.number).slice(0, 64);
  const key = `confirmation-${digest}`;
  return [{ json: { receiver: 'odoo', path: 'supplier-confirmations', key, body, began, keep: true } }];
} catch (error) {
  return [{ json: NOT_UNDERSTOOD('supplier', 'supplier_confirmation', error.message, said, digest) }];
}
