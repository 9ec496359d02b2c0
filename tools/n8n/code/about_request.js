// Whatever happened to a request: its present state is read, so that a late or repeated event tells nothing old.
const { id, event, began } = $input.first().json;
const number = event.data && event.data.request_id;
if (!Number.isInteger(number)) return [];
return [{ json: { receiver: 'odoo', path: `approval-requests/${number}`, key: id, began, about: event.subject } }];
