// The order in the words of the supplier. Change the field names to those that your supplier takes.
const { answer: order, call } = $input.first().json;
const only = ($env.DISTRIBUTION_SUPPLIER_VENDORS || '').split(/[\s,]+/).filter(Boolean);
if (only.length && !only.includes(String(order.vendor.id)) && !only.includes(order.vendor.ref)) return [];
const body = {
  messageId: call.key,
  kind: call.fact === 'amended' ? 'change' : 'order',
  order: order.name,
  orderedAt: order.ordered_at,
  customerNumber: order.vendor.ref,
  currency: order.currency,
  positions: order.lines.map((line) => ({
    line: line.line_id,
    article: line.vendor_code || (line.product && line.product.code),
    barcode: line.product && line.product.barcode,
    text: line.description,
    quantity: line.quantity,
    unit: line.unit,
    price: line.price_unit,
    discountPercent: line.discount,
    wantedAt: line.planned_at,
  })),
};
const began = new Date().toISOString();
return [{ json: { receiver: 'supplier', key: call.key, body, began, about: call.about } }];
