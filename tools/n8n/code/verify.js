// Standard Webhooks: a message is believed when one of its signatures was made with one of our secrets over the
// very bytes that came, and when it is neither older nor newer than five minutes.
const crypto = require('crypto');

const TOLERANCE = 300;
const secrets = ($env.SECRETS || '').split(/[\s,]+/).filter(Boolean);
const { json, binary } = $input.first();
const body = binary ? await this.helpers.getBinaryDataBuffer(0, 'data') : Buffer.alloc(0);

function fits(id, timestamp, signatures) {
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const given = signatures.split(' ').filter((one) => one.startsWith('v1,')).map((one) => Buffer.from(one.slice(3)));
  let found = false;
  for (const secret of secrets) {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const expected = Buffer.from(crypto.createHmac('sha256', key).update(signed).digest('base64'));
    for (const one of given) {
      // Each with each, in constant time: how long it takes says nothing about which one fits.
      if (one.length === expected.length && crypto.timingSafeEqual(one, expected)) found = true;
    }
  }
  return found;
}

function refuse(status, reason) {
  return [{ json: { genuine: false, status, reason } }];
}

const id = json.headers['webhook-id'] || '';
const timestamp = json.headers['webhook-timestamp'] || '';
const signatures = json.headers['webhook-signature'] || '';
if (!secrets.length) return refuse(503, 'no secret is set');
if (!id || !/^\d{1,12}$/.test(timestamp) || !signatures) return refuse(401, 'not signed');
if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE) return refuse(401, 'too old or too new');
if (!fits(id, timestamp, signatures)) return refuse(401, 'no signature fits');
const event = JSON.parse(body.toString('utf8'));
if (event.id !== id) return refuse(401, 'another event');
return [{ json: { genuine: true, id, event, began: new Date().toISOString() } }];
