function NOT_UNDERSTOOD(sender, what, reason, said, digest) {
  // Nothing is lost: what was said goes into Odoo's ledger, without what looks like people.
  const people = /name|sign|contact|person|phone|mobile|mail|address|street|recipient|driver/i;
  const clean = (value, depth = 0) => {
    if (Array.isArray(value)) return depth > 6 ? null : value.slice(0, 200).map((one) => clean(one, depth + 1));
    if (value && typeof value === 'object') {
      const kept = Object.entries(value).filter(([key]) => !people.test(key)).slice(0, 100);
      return depth > 6 ? null : Object.fromEntries(kept.map(([key, one]) => [key, clean(one, depth + 1)]));
    }
    return typeof value === 'string' ? value.slice(0, 300) : value;
  };
  const text = JSON.stringify(clean(said));
  return {
    receiver: 'odoo',
    path: 'external-events',
    key: `not-understood-${digest}`,
    began: new Date().toISOString(),
    body: {
      specversion: '1.0',
      id: digest,
      source: `urn:n8n:${$workflow.id}:${sender}`,
      type: `${$env.DISTRIBUTION_NAMESPACE || 'n8n'}.${what}.not_understood.v1`,
      data: { sender, reason: String(reason).slice(0, 300), execution: $execution.id, said: text.slice(0, 20000) },
    },
  };
}
