/** @odoo-module **/

import { Component } from "@odoo/owl";
import { ModelFieldSelector } from "@web/core/model_field_selector/model_field_selector";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * The path of a field, picked step by step by the names that people know.
 *
 * Options: `model`, the field (of the record or of the one around it) that names the model; `types`, the types of
 * fields that are offered beside those that lead further.
 */
export class FieldPath extends Component {
    static template = "reporting_workflows.FieldPath";
    static components = { ModelFieldSelector };
    static props = {
        ...standardFieldProps,
        modelField: { type: String },
        types: { type: Array, optional: true },
    };

    get model() {
        const { record, modelField } = this.props;
        return record.data[modelField] || record.evalContext.parent?.[modelField] || "";
    }

    get path() {
        return this.props.record.data[this.props.name] || "";
    }

    get selectorProps() {
        return {
            allowEmpty: true,
            path: this.path,
            resModel: this.model,
            readonly: this.props.readonly,
            isDebugMode: false,
            update: (path) => this.props.record.update({ [this.props.name]: path || false }),
            filter: (field) =>
                field.type !== "separator" &&
                (!this.props.types || this.props.types.includes(field.type) || Boolean(field.relation)),
        };
    }
}

registry.category("fields").add("distribution_field_path", {
    component: FieldPath,
    supportedTypes: ["char"],
    extractProps: ({ options }) => ({ modelField: options.model, types: options.types }),
});
