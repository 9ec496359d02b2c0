/** @odoo-module **/

import { Component } from "@odoo/owl";

const WIDTH = 160;
const HEIGHT = 36;

/** A number as people read it: how it stands, what it was, where it goes. */
export class KpiTile extends Component {
    static template = "reporting_workflows.KpiTile";
    static props = {
        tile: Object,
        showDetail: Function,
        drillNow: Function,
        drillBefore: Function,
    };

    get icon() {
        return {
            ok: "fa-check-circle",
            warn: "fa-exclamation-triangle",
            breach: "fa-times-circle",
            unknown: "fa-question-circle",
        }[this.props.tile.status];
    }

    get arrow() {
        return { up: "fa-long-arrow-up", down: "fa-long-arrow-down" }[this.props.tile.change_way];
    }

    /** The course of the period as a line; days without a number are gaps. */
    get line() {
        const values = (this.props.tile.points || []).map((point) => point.value);
        const known = values.filter((value) => value !== null);
        if (known.length < 2) {
            return false;
        }
        const low = Math.min(...known);
        const high = Math.max(...known);
        const x = (place) => ((place / (values.length - 1)) * (WIDTH - 4) + 2).toFixed(1);
        const share = (value) => (high === low ? 0.5 : (value - low) / (high - low));
        const y = (value) => (HEIGHT - 3 - share(value) * (HEIGHT - 6)).toFixed(1);
        let path = "";
        values.forEach((value, place) => {
            if (value !== null) {
                const begins = !place || values[place - 1] === null;
                path += `${begins ? "M" : "L"}${x(place)} ${y(value)}`;
            }
        });
        let end = values.length - 1;
        while (values[end] === null) {
            end--;
        }
        return { path, x: x(end), y: y(values[end]), viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
    }
}
