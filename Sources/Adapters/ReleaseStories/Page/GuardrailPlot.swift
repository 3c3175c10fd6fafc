// One guardrail drawn over the policy's clock.
internal import Ports
internal import Primitives

struct GuardrailPlot {
    var series: GuardrailSeries
    /// The number of the plot on the page.
    var number: Int
    var steps: [RolloutView.Step]
    var times: ClosedRange<Instant>

    var figure: Markup {
        let newest = series.samples.last?.finding
        let answer = newest?.answer.rawValue ?? "nothing seen"
        var about: [Markup] = [.tag("span", ["class": "meaning"], series.meaning)]
        if let newest {
            about.append(.tag("span", ["class": "reading"], "\(Figures.reading(newest)), \(newest.count) seen\(newest.missing > 0 ? ", \(newest.missing) missing" : "")"))
            if let fault = newest.fault { about.append(.tag("span", ["class": "fault"], [.quoted(fault)])) }
        }
        return .tag(
            "figure", ["class": "plot"],
            [
                .tag("figcaption", [:], [.tag("span", ["class": "head"], [.tag("b", [:], series.signal), Tone.pill(answer)])] + about),
                drawing("\(series.signal): \(newest.map(Figures.reading) ?? "nothing seen"), \(answer)"),
                .tag("p", ["class": "terms"], terms),
            ])
    }

    private var terms: String {
        let alpha = series.rule.map { "; false alarms at most \(Figures.percent($0.alpha)), all looks together" } ?? ""
        return "\(series.harmWords), \(series.consequence)\(alpha)"
    }

    private func drawing(_ label: String) -> Markup {
        let frame = PlotFrame(times: times, values: series.domain)
        let groups = steps.map { step in (step: step, samples: series.samples.filter { $0.step == step.index }) }.filter { !$0.samples.isEmpty }
        var parts = groups.enumerated().flatMap { index, group in band(frame, group.step, group.samples, isEven: index.isMultiple(of: 2)) }
        parts += frame.valueAxis(signed: series.isDifference)
        let curves = groups.flatMap { group in interval(frame, group.samples) + margins(frame, group.step, group.samples) + estimate(frame, group.samples) }
        parts += frame.clipped("plot\(number)", curves)
        return frame.drawing(label, parts + frame.timeAxis)
    }

    /// The time of a step as a stripe with its name.
    private func band(_ frame: PlotFrame, _ step: RolloutView.Step, _ samples: [GuardrailSeries.Sample], isEven: Bool) -> [Markup] {
        let (from, to) = span(frame, samples)
        var parts: [Markup] = [
            .tag("rect", ["class": isEven ? "stripe" : "stripe other", "x": at(from), "y": at(frame.top), "width": at(max(to - from, 1)), "height": at(frame.innerHeight)])
        ]
        // A narrow stripe has no room for its name.
        if to - from > Double(step.name.count) * 5.6 { parts.append(frame.words("step mid", (from + to) / 2, frame.top - 7, step.name)) }
        return parts
    }

    private func span(_ frame: PlotFrame, _ samples: [GuardrailSeries.Sample]) -> (Double, Double) {
        (samples.first.map { frame.x($0.clock) } ?? frame.left, samples.last.map { frame.x($0.clock) } ?? frame.left)
    }

    private func interval(_ frame: PlotFrame, _ samples: [GuardrailSeries.Sample]) -> [Markup] {
        let upper = samples.map { (frame.x($0.clock), frame.y($0.finding.upper)) }, lower = samples.map { (frame.x($0.clock), frame.y($0.finding.lower)) }
        return [.tag("path", ["class": "interval", "d": PlotFrame.path(upper + lower.reversed(), closed: true)])]
    }

    private func estimate(_ frame: PlotFrame, _ samples: [GuardrailSeries.Sample]) -> [Markup] {
        let seen = samples.compactMap { sample in sample.finding.estimate.map { (frame.x(sample.clock), frame.y($0)) } }
        guard let last = seen.last else { return [] }
        let newest = samples.last.map { Tone.of($0.finding.answer.rawValue) } ?? .neutral
        return [
            .tag("path", ["class": "estimate", "d": PlotFrame.path(seen)]), .tag("circle", ["class": "newest \(newest.rawValue)", "cx": at(last.0), "cy": at(last.1), "r": "3.6"]),
        ]
    }

    private func margins(_ frame: PlotFrame, _ step: RolloutView.Step, _ samples: [GuardrailSeries.Sample]) -> [Markup] {
        let (from, to) = span(frame, samples)
        return series.margins(share: step.share).map { frame.line(series.rule?.harm == .uneven ? "assigned" : "margin", from, frame.y($0), max(to, from + 1), frame.y($0)) }
    }
}

/// How a word of a verdict is coloured. The word itself always stands beside the colour.
enum Tone: String {
    case good, bad, doubtful, neutral

    static func of(_ word: String) -> Tone {
        switch word {
        case "no worse", "met", "live": .good
        case "harm", "failed", "rolled back", "refused", "rejected": .bad
        case "errored", "missing", "inconclusive", "aborted", "paused": .doubtful
        default: .neutral
        }
    }

    static func pill(_ word: String) -> Markup { .tag("span", ["class": "pill \(of(word).rawValue)"], word) }
}
