// The box of a plot: where times and values lie in it, and its axes.
internal import Primitives

struct PlotFrame {
    var width = 560.0
    var height = 190.0
    var left = 58.0
    var right = 12.0
    var top = 22.0
    var bottom = 24.0
    var times: ClosedRange<Instant>
    var values: ClosedRange<Double>

    var innerWidth: Double { width - left - right }
    var innerHeight: Double { height - top - bottom }
    var floor: Double { height - bottom }

    func x(_ time: Instant) -> Double {
        let span = Double(times.upperBound.milliseconds - times.lowerBound.milliseconds)
        guard span > 0 else { return left + innerWidth / 2 }
        return left + innerWidth * Double(time.milliseconds - times.lowerBound.milliseconds) / span
    }

    /// Values that run out of the plot are drawn far outside and cut off.
    func y(_ value: Double) -> Double {
        let span = values.upperBound - values.lowerBound
        guard span > 0 else { return floor }
        return min(max(floor - innerHeight * (value - values.lowerBound) / span, -height), 2 * height)
    }

    func drawing(_ label: String, _ parts: [Markup]) -> Markup {
        .tag("svg", ["viewBox": "0 0 \(at(width)) \(at(height))", "role": "img", "aria-label": label], parts)
    }

    func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> Markup {
        .tag("line", ["class": style, "x1": at(x1), "y1": at(y1), "x2": at(x2), "y2": at(y2)])
    }

    func words(_ style: String, _ x: Double, _ y: Double, _ text: String) -> Markup { .tag("text", ["class": style, "x": at(x), "y": at(y)], text) }

    var timeAxis: [Markup] {
        [line("axis", left, floor, width - right, floor)]
            + Axis.times(times, most: 5).flatMap { mark in
                [line("axis", x(mark.at), floor, x(mark.at), floor + 4), words("tick mid", x(mark.at), floor + 16, mark.text)]
            }
    }

    func valueAxis(signed: Bool) -> [Markup] {
        Axis.marks(values, most: 4).flatMap { value in
            [
                line(value == 0 && signed ? "zero" : "grid", left, y(value), width - right, y(value)),
                words("tick end", left - 6, y(value) + 3.5, signed ? Figures.signed(value) : Figures.bound(value)),
            ]
        }
    }

    /// What is drawn inside stays inside. `name` is this program's own.
    func clipped(_ name: String, _ parts: [Markup]) -> [Markup] {
        [
            .tag("clipPath", ["id": name], [.tag("rect", ["x": at(left), "y": at(top), "width": at(innerWidth), "height": at(innerHeight)])]),
            .tag("g", ["clip-path": "url(#\(name))"], parts),
        ]
    }

    static func path(_ points: [(Double, Double)], closed: Bool = false) -> String {
        points.enumerated().map { "\($0 == 0 ? "M" : "L")\(at($1.0)) \(at($1.1))" }.joined() + (closed ? "Z" : "")
    }
}
