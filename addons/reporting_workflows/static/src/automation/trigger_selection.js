/** @odoo-module **/

import { useState } from "@odoo/owl";
import { TriggerSelectionField } from "@base_automation/base_automation_trigger_selection_field";
import { TRIGGER_FILTERS } from "@base_automation/utils";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { SelectionField } from "@web/views/fields/selection/selection_field";

// Odoo 19 shows the groups by itself, and has "On create" among those that are no longer deprecated.
const IS_19 = "groups" in TriggerSelectionField.prototype;
const CUSTOM = ["on_create_or_write", "on_unlink", "on_change"];
const DEPRECATED = ["on_create", "on_write"];

const GROUPS = [
    {
        key: "values",
        label: _t("Values Updated"),
        triggers: [
            "on_stage_set",
            "on_user_set",
            "on_tag_set",
            "on_state_set",
            "on_priority_set",
            "on_archive",
            "on_unarchive",
        ],
    },
    { key: "mail", label: _t("Email Events"), triggers: ["on_message_sent", "on_message_received"] },
    {
        key: "timing",
        label: _t("Timing Conditions"),
        triggers: ["on_time", "on_time_created", "on_time_updated"],
    },
    { key: "custom", label: _t("Custom"), triggers: IS_19 ? ["on_create", ...CUSTOM] : CUSTOM },
    { key: "kpis", label: _t("KPIs"), triggers: ["on_kpi_documents"] },
    { key: "external", label: _t("External"), triggers: ["on_webhook"] },
    {
        key: "deprecated",
        label: _t("Deprecated (do not use)"),
        triggers: IS_19 ? ["on_write"] : DEPRECATED,
    },
];
const OTHERS = { key: "others", label: _t("Others"), triggers: [] };

/**
 * The triggers of an automation rule, in groups.
 *
 * Odoo's own field knows the triggers of Odoo only and breaks the form when there is one more. This one puts those that
 * nobody grouped last, and offers that of KPIs on models that KPIs count.
 */
export class GroupedTriggerField extends TriggerSelectionField {
    setup() {
        SelectionField.prototype.setup.call(this);
        this.groupedOptions = useState([]);
        const orm = useService("orm");
        let modelId;
        let modelFields = [];
        useRecordObserver(async (record) => {
            const { data, fields } = record;
            const { selection } = fields[this.props.name];
            const current = data[this.props.name];
            const hidden = {
                mail: !data.model_is_mail_thread,
                kpis: !data.model_is_counted,
            };
            const chosen = data.model_id?.id ?? data.model_id?.[0];
            if (modelId !== chosen) {
                modelId = chosen;
                modelFields = await orm.searchRead(
                    "ir.model.fields",
                    [["model_id", "=", modelId]],
                    ["name", "ttype", "relation"]
                );
            }
            const isOffered = (trigger, group) =>
                trigger === current ||
                (!hidden[group.key] &&
                    (group.key !== "deprecated" || group.triggers.includes(current)) &&
                    (!TRIGGER_FILTERS[trigger] || modelFields.some(TRIGGER_FILTERS[trigger])));
            const grouped = [];
            for (const group of [...GROUPS, OTHERS]) {
                const choices = selection
                    .filter(([value]) =>
                        group === OTHERS
                            ? !GROUPS.some(({ triggers }) => triggers.includes(value))
                            : group.triggers.includes(value)
                    )
                    .filter(([value]) => isOffered(value, group))
                    .map(([value, label]) => ({ value, label }));
                if (choices.length) {
                    const label = group.label.toString();
                    grouped.push({ key: group.key, name: label, label, options: choices, choices });
                }
            }
            this.groupedOptions.splice(0, this.groupedOptions.length, ...grouped);
        });
    }
}

const fieldsRegistry = registry.category("fields");
const triggerSelectionField = fieldsRegistry.get("base_automation_trigger_selection");
fieldsRegistry.add(
    "base_automation_trigger_selection",
    {
        ...triggerSelectionField,
        component: GroupedTriggerField,
        fieldDependencies: [
            ...triggerSelectionField.fieldDependencies,
            { name: "model_is_counted", type: "boolean" },
        ],
    },
    { force: true }
);
