// An execution failed. Which one is said, not why: messages of errors may quote what must not leave n8n.
const { execution, workflow } = $input.first().json;
const namespace = $env.DISTRIBUTION_NAMESPACE || 'n8n';
const number = execution ? execution.id : $execution.id;
const body = {
  specversion: '1.0',
  id: `failed-${number}`,
  source: `urn:n8n:${workflow.id}`,
  type: `${namespace}.workflow.failed.v1`,
  data: { workflow: workflow.name, execution: String(number), node: (execution && execution.lastNodeExecuted) || null },
};
return [{ json: { body } }];
