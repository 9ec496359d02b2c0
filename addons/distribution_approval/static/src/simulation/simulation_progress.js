/** @odoo-module **/

import { Component, onMounted, onWillUnmount } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const SECONDS = 2;

/** How far a simulation is; reads it again until it has ended. */
export class SimulationProgress extends Component {
    static template = "distribution_approval.SimulationProgress";
    static props = { ...standardFieldProps };

    setup() {
        onMounted(() => {
            this.timer = setInterval(() => this.refresh(), SECONDS * 1000);
        });
        onWillUnmount(() => clearInterval(this.timer));
    }

    get isRunning() {
        return ["queued", "running"].includes(this.props.record.data.state);
    }

    get percent() {
        return Math.round(this.props.record.data[this.props.name] || 0);
    }

    async refresh() {
        if (this.isRunning && !this.loading) {
            this.loading = true;
            try {
                await this.props.record.load();
            } finally {
                this.loading = false;
            }
        }
    }
}

registry.category("fields").add("approval_simulation_progress", {
    component: SimulationProgress,
    supportedTypes: ["float"],
    fieldDependencies: [{ name: "state", type: "selection" }],
});
