/** @odoo-module **/

import { Component } from "@odoo/owl";
import { ModelFieldSelector } from "@web/core/model_field_selector/model_field_selector";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const COUNT = "__count";

/**
 * The path of a field, picked step by step by the names that people know.
 *
 * Options: `model`, the field (of the record or of the one around it) that names the model; `types`, the types of
 * fields that are offered beside those that lead further; `count`, the field that is filled where documents are added
 * up, so that their number is offered as well.
 */
export class FieldPath extends Component {
    static template = "reporting_workflows.FieldPath";
    static components = { ModelFieldSelector };
    static props = {
        ...standardFieldProps,
        modelField: { type: String },
        types: { type: Array, optional: true },
        countField: { type: String, optional: true },
    };

    valueOf(name) {
        const { record } = this.props;
        return record.data[name] || record.evalContext.parent?.[name] || "";
    }

    get model() {
        return this.valueOf(this.props.modelField);
    }

    get path() {
        return this.props.record.data[this.props.name] || "";
    }

    get isCount() {
        return this.path === COUNT;
    }

    get offersCount() {
        const { countField, readonly } = this.props;
        return Boolean(countField && !readonly && !this.path && this.valueOf(countField));
    }

    get selectorProps() {
        return {
            allowEmpty: true,
            // What a date is grouped by is no part of its path.
            path: this.path.split(":")[0],
            resModel: this.model,
            readonly: this.props.readonly,
            isDebugMode: false,
            update: this.write.bind(this),
            filter: (field) =>
                field.type !== "separator" &&
                (!this.props.types || this.props.types.includes(field.type) || Boolean(field.relation)),
        };
    }

    write(path) {
        return this.props.record.update({ [this.props.name]: path || false });
    }

    writeCount() {
        return this.write(COUNT);
    }
}

registry.category("fields").add("distribution_field_path", {
    component: FieldPath,
    supportedTypes: ["char"],
    extractProps: ({ options }) => ({
        modelField: options.model,
        types: options.types,
        countField: options.count,
    }),
});

/**
 * What a dataset is sorted by: a field of its documents; where they are added up, one of its columns.
 *
 * Options: those of a path; `columns`, the lines with the columns; `group`, the field by which documents are added up,
 * and `grain`, the one that says per what.
 */
export class SortPath extends FieldPath {
    static template = "reporting_workflows.SortPath";
    static props = {
        ...FieldPath.props,
        columnsField: { type: String },
        groupField: { type: String },
        grainField: { type: String },
    };

    get isGrouped() {
        return Boolean(this.props.record.data[this.props.groupField]);
    }

    get columns() {
        const { record, columnsField } = this.props;
        const found = record.data[columnsField].records
            .filter((line) => line.data.path)
            .map((line) => ({ key: this.keyOf(line.data), name: line.data.display_name || line.data.path }));
        if (this.path && !found.some((column) => column.key === this.path)) {
            found.push({ key: this.path, name: this.path });
        }
        return found;
    }

    get columnName() {
        return this.columns.find((column) => column.key === this.path)?.name || "";
    }

    keyOf({ path, aggregate }) {
        const { data } = this.props.record;
        const [group, grain] = [data[this.props.groupField], data[this.props.grainField]];
        if (path === COUNT || path.includes(":")) {
            return path;
        }
        if (path === group && !aggregate) {
            return grain ? `${path}:${grain}` : path;
        }
        return `${path}:${aggregate || "sum"}`;
    }

    onChange(ev) {
        return this.write(ev.target.value);
    }
}

registry.category("fields").add("distribution_sort_path", {
    component: SortPath,
    supportedTypes: ["char"],
    extractProps: ({ options }) => ({
        modelField: options.model,
        columnsField: options.columns,
        groupField: options.group,
        grainField: options.grain,
    }),
});
