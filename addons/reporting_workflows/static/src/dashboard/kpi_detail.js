/** @odoo-module **/
/* global Chart */

import { Component, onMounted, onWillStart, onWillUnmount, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";

/** What a number means, its course against the period before, and the way to what it is made of. */
export class KpiDetail extends Component {
    static template = "reporting_workflows.KpiDetail";
    static components = { Dialog };
    static props = {
        tile: Object,
        data: Object,
        drill: Function,
        openKpi: Function,
        openDaily: Function,
        close: Function,
    };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        onMounted(() => this.draw());
        onWillUnmount(() => this.chart && this.chart.destroy());
    }

    get hasCourse() {
        return (this.props.tile.points || []).some((point) => point.value !== null);
    }

    get direction() {
        return {
            up: _t("More is better"),
            down: _t("Less is better"),
            none: _t("Neither more nor less is better"),
        }[this.props.tile.direction];
    }

    /** Colours come from the style sheet: they follow dark mode. */
    colour(name) {
        return getComputedStyle(this.canvas.el).getPropertyValue(`--o-kpi-${name}`).trim();
    }

    draw() {
        if (!this.canvas.el) {
            return;
        }
        const { tile } = this.props;
        const values = (points) => points.map((point) => point.value);
        const level = (label, value, colour) => ({
            label,
            data: tile.points.map(() => value),
            borderColor: this.colour(colour),
            borderDash: [6, 4],
            borderWidth: 1,
            pointRadius: 0,
        });
        const datasets = [
            {
                label: _t("This period"),
                data: values(tile.points),
                borderColor: this.colour("now"),
                backgroundColor: this.colour("now"),
                borderWidth: 2,
                pointRadius: tile.points.length > 31 ? 0 : 3,
                tension: 0.2,
                spanGaps: false,
            },
        ];
        if (tile.points_before.some((point) => point.value !== null)) {
            datasets.push({
                label: _t("The period before"),
                data: values(tile.points_before).slice(0, tile.points.length),
                borderColor: this.colour("before"),
                backgroundColor: this.colour("before"),
                borderWidth: 1.5,
                pointRadius: 0,
                tension: 0.2,
            });
        }
        if (tile.target !== false) {
            datasets.push(level(_t("Target"), tile.target, "target"));
        }
        if (tile.breach !== false) {
            datasets.push(level(_t("Breach"), tile.breach, "breach"));
        }
        const text = this.colour("text");
        const grid = this.colour("grid");
        const axis = { ticks: { color: text }, grid: { color: grid } };
        this.chart = new Chart(this.canvas.el, {
            type: "line",
            data: { labels: tile.points.map((point) => point.label), datasets },
            options: {
                animation: false,
                responsive: true,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                plugins: { legend: { position: "bottom", labels: { color: text, boxHeight: 1 } } },
                scales: {
                    x: { ...axis, ticks: { color: text, maxTicksLimit: 8, maxRotation: 0 } },
                    y: { ...axis, title: { display: !!tile.unit, text: tile.unit, color: text } },
                },
            },
        });
    }

    /** Close first: what opens comes in the place of the dashboard. */
    async leave(open) {
        this.props.close();
        await open();
    }
}
