/** @odoo-module **/

import { Component, onMounted, onWillUnmount } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const SECONDS = 2;

/** How far a scheduled job is that somebody had run now; reads it again until it has ended. */
export class ScheduledWorkProgress extends Component {
    static template = "procurement_automation.ScheduledWorkProgress";
    static props = { ...standardFieldProps };

    setup() {
        onMounted(() => {
            this.timer = setInterval(() => this.refresh(), SECONDS * 1000);
        });
        onWillUnmount(() => clearInterval(this.timer));
    }

    get isAtWork() {
        return this.props.record.data.state === "asked";
    }

    get percent() {
        return Math.round(this.props.record.data[this.props.name] || 0);
    }

    async refresh() {
        if (this.isAtWork && !this.loading) {
            this.loading = true;
            try {
                await this.props.record.load();
            } finally {
                this.loading = false;
            }
        }
    }
}

registry.category("fields").add("scheduled_work_progress", {
    component: ScheduledWorkProgress,
    supportedTypes: ["float"],
    fieldDependencies: [{ name: "state", type: "selection" }],
});
