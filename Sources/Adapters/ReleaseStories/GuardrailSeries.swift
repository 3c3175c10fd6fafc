// One guardrail over the whole rollout, with what is needed to draw it.
internal import Foundation
internal import Guardrails
internal import Primitives
internal import Releases

struct GuardrailSeries {
    struct Sample {
        var clock: Instant
        /// Comparisons of the step by then.
        var count: Int
        var step: Int
        /// What the step assigns to the candidate.
        var share: Double
        var finding: Finding
    }

    var signal: String
    var rule: GuardrailRule?
    /// The change that the proposal means to make; the margin lies around it.
    var expected: Double
    /// Oldest first.
    var samples: [Sample]

    /// Where harm begins; for the split itself, the share that was assigned.
    func margins(share: Double?) -> [Double] {
        switch rule?.harm {
        case .moreThan(let bound): [bound]
        case .moreBy(let bound): [expected + bound]
        case .lessBy(let bound): [expected - bound]
        case .differsBy(let bound): [expected - bound, expected + bound]
        case .uneven: share.map { [$0] } ?? []
        case nil: []
        }
    }

    var isDifference: Bool {
        switch rule?.harm {
        case .moreBy, .lessBy, .differsBy: true
        case .moreThan, .uneven, nil: false
        }
    }

    /// `harm above +0.02`.
    var harmWords: String {
        switch rule?.harm {
        case .moreThan(let bound): "harm above \(Figures.bound(bound))"
        case .moreBy(let bound): "harm above \(Figures.signed(expected + bound))"
        case .lessBy(let bound): "harm below \(Figures.signed(expected - bound))"
        case .differsBy(let bound): "harm outside \(Figures.signed(expected - bound)) to \(Figures.signed(expected + bound))"
        case .uneven: "harm: another split than assigned"
        case nil: "a guardrail that the spec does not name"
        }
    }

    /// What follows, and whether live waits for the proof.
    var consequence: String {
        guard let rule else { return "" }
        return "then \(rule.then.rawValue)\(rule.proves ? ", to be proved" : "")"
    }

    /// What the signal is, for people who meet it first.
    var meaning: String {
        switch rule?.signal {
        case .sampleRatio: "the candidate's part of all entities"
        case .errors: "requests that failed, candidate minus champion"
        case .overBudget(let budget): "requests over \(budget.spelled), candidate minus champion"
        case .decisionFlips: "requests that both arms decide differently"
        case .rate(let outcome): "how often '\(outcome)' is decided, candidate minus champion"
        case .outcomeAccuracy: "how often the decision was right, candidate minus champion"
        case nil: "not described by the spec"
        }
    }

    /// What a plot shows of the axis: margins, none, and where the estimates and the newest intervals lie. Early intervals are wide and run out of the plot.
    var domain: ClosedRange<Double> {
        var values: [Double] = isDifference ? [0, expected] : [0]
        for sample in samples { values += margins(share: sample.share) }
        let settled = samples.suffix(max(1, samples.count / 2))
        values += settled.compactMap(\.finding.estimate)
        let inner = Self.hull(values)
        let reach = max((inner.upperBound - inner.lowerBound) * 0.75, 0.002)
        let newest = Dictionary(samples.map { ($0.step, $0.finding) }, uniquingKeysWith: { $1 }).values
        for finding in newest {
            values.append(max(finding.lower, inner.lowerBound - reach))
            values.append(min(finding.upper, inner.upperBound + reach))
        }
        let outer = Self.hull(values)
        let room = max((outer.upperBound - outer.lowerBound) * 0.08, 0.0005)
        let floor = isDifference ? -1 : 0.0
        return max(floor, outer.lowerBound - room)...min(1, outer.upperBound + room)
    }

    /// Within what shares and differences of shares can be, whatever was sent.
    private static func hull(_ values: [Double]) -> ClosedRange<Double> {
        let sound = values.filter(\.isFinite).map { min(max($0, -1), 1) }
        let low = sound.min() ?? 0, high = sound.max() ?? 0
        return low < high ? low...high : max(-1, low - 0.01)...min(1, low + 0.01)
    }
}

/// Numbers as people read them.
enum Figures {
    /// What no share, difference or metric comes near is not spelled out.
    private static func isSound(_ value: Double) -> Bool { abs(value) < 1e12 }

    static func plain(_ value: Double) -> String { isSound(value) ? trimmedMinus(String(format: "%.4f", value)) : "?" }
    /// Of an evaluation, whose counts of rows have no fraction.
    static func metric(_ value: Double) -> String { abs(value) >= 2 && value.rounded() == value ? bound(value) : plain(value) }
    static func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + bound(value) }

    /// Of an axis: all as long as one another.
    static func label(_ value: Double, signed: Bool) -> String {
        guard isSound(value) else { return "?" }
        let text = trimmedMinus(String(format: "%.3f", value))
        return signed && value > 0 && text != "0.000" ? "+" + text : text
    }

    /// Without needless zeros: `0.02`.
    static func bound(_ value: Double) -> String {
        guard isSound(value) else { return "?" }
        var text = String(format: "%.4f", value)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return trimmedMinus(text)
    }

    /// `0.2134 (0.1800 to 0.2500)`.
    static func reading(_ finding: Finding) -> String {
        guard let estimate = finding.estimate else { return "nothing seen" }
        return "\(plain(estimate)) (\(plain(finding.lower)) to \(plain(finding.upper)))"
    }

    static func percent(_ share: Double) -> String { bound((share * 1000).rounded() / 10) + " %" }

    private static func trimmedMinus(_ text: String) -> String { text.contains { ("1"..."9").contains($0) } ? text : text.replacing("-", with: "") }
}
