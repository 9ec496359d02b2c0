// Northline sends bundles: {"message", "offset": "+01:00",
//   "consignments": [{"awb", "state", "when": "02.12.2026 04:12", …}],
//   "despatch": [{"number", "order", "shipped", "arrives", "awb", "items": [{"article", "qty", "batch", …}]}]}
const crypto = require('crypto');

const STATES = {
  'PRE-ADVISED': 'announced',
  COLLECTED: 'picked_up',
  'IN TRANSIT': 'in_transit',
  'ON VEHICLE': 'out_for_delivery',
  'DELIVERED OK': 'delivered',
  LATE: 'delayed',
  DAMAGED: 'exception',
  REFUSED: 'exception',
  'BACK TO SENDER': 'returned',
};
const said = $input.first().json.body || {};
const began = new Date().toISOString();
const given = (value) => value !== undefined && value !== null && value !== '';
const sha256 = (value) => crypto.createHash('sha256').update(JSON.stringify(value)).digest('hex');
const message = given(said.message) ? String(said.message).slice(0, 80) : sha256(said);

function moment(text) {
  const [, day, month, year, time] = /^(\d\d)\.(\d\d)\.(\d{4})(?: (\d\d:\d\d))?$/.exec(text) || [];
  if (!day) throw new Error(`${text} is no moment`);
  return new Date(`${year}-${month}-${day}T${time || '12:00'}:00${said.offset || 'Z'}`).toISOString();
}

function status(one) {
  const state = STATES[String(one.state || '').toUpperCase()];
  if (!state) throw new Error(`state ${one.state} is unknown`);
  if (!given(one.awb)) throw new Error('it names no awb');
  const body = {
    carrier: 'Northline',
    tracking_reference: String(one.awb),
    status: state,
    occurred_at: moment(one.when),
  };
  if (given(one.expected)) body.expected_at = moment(one.expected);
  if (given(one.depot)) body.place = String(one.depot).slice(0, 200);
  if (state === 'exception' || state === 'delayed') body.reason_code = String(one.reason || one.state).slice(0, 40);
  return { path: 'carrier-statuses', body };
}

function item(one) {
  const made = { product: { code: String(one.article) }, quantity: Number(one.qty) };
  if (!given(one.article) || !(made.quantity > 0)) throw new Error('an item lacks article or qty');
  if (given(one.batch)) made.lot = String(one.batch).slice(0, 64);
  if (given(one.best_before)) made.expiry_date = moment(one.best_before).slice(0, 10);
  if (given(one.sscc)) made.package = String(one.sscc).slice(0, 64);
  return made;
}

function notice(one) {
  if (!given(one.order) || !given(one.number)) throw new Error('it names no order, or has no number');
  const body = {
    order: { name: String(one.order) },
    reference: String(one.number).slice(0, 64),
    shipped_at: moment(one.shipped),
    carrier: 'Northline',
    lines: (one.items || []).map(item),
  };
  if (given(one.arrives)) body.expected_at = moment(one.arrives);
  if (given(one.awb)) body.tracking_reference = String(one.awb).slice(0, 100);
  return { path: 'ship-notices', body };
}

function translate(kind, read, one, number) {
  try {
    const { path, body } = read(one);
    body.accept_as_case = true;
    return { json: { receiver: 'odoo', path, key: `northline-${message}-${kind}${number}`, body, began, keep: true } };
  } catch (error) {
    const digest = sha256([message, kind, number, one]);
    return { json: NOT_UNDERSTOOD('northline', 'carrier_message', error.message, one, digest) };
  }
}

const all = (value) => (Array.isArray(value) ? value : []);
const calls = [
  ...all(said.consignments).map((one, number) => translate('c', status, one, number)),
  ...all(said.despatch).map((one, number) => translate('d', notice, one, number)),
];
if (calls.length) return calls;
const reason = 'neither consignments nor despatch';
return [{ json: NOT_UNDERSTOOD('northline', 'carrier_message', reason, said, sha256(said)) }];
