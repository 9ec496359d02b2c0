// Orders that are in force from now on, or whose content changed in force. What a vendor needs is read from Odoo.
const { id, event, began } = $input.first().json;
const fact = /^distribution\.purchase_order\.(released|passed|amended)\.v1$/.exec(event.type);
const order = /^purchase\.order,(\d+)$/.exec(event.subject || '');
if (!fact || !order) return [];
const path = `purchase-orders/${order[1]}`;
return [{ json: { receiver: 'odoo', path, key: id, began, about: event.subject, fact: fact[1] } }];
