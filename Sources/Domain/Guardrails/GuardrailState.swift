// What a node keeps of a guardrail, so that it can go on after a restart.

/// Counts and latches, nothing of the rule. The format is 1; another is refused, and the count starts anew.
package struct GuardrailState: Hashable, Sendable {
    package static let format = 1

    package enum Measure: Hashable, Sendable, Codable {
        case sampleRatio(arms: SampleRatio)
        case split(matches: SplitMatches)
        case flips(pairs: BinaryCounts)
        case differences(pairs: Differences)
    }

    package internal(set) var measure: Measure
    /// Requests of the keyed sample whose pair is not whole.
    package internal(set) var missing = 0
    /// Values that were no numbers, or no sights of this guardrail.
    package internal(set) var unreadable = 0
    /// Once harmful, harmful for good: the error level is spent on the first crossing.
    package internal(set) var harmed = false
    /// The last window in which split traffic was proved no worse.
    package internal(set) var provedInWindow: Int?

    init(_ measure: Measure) { self.measure = measure }

    /// Observations that the guardrail's answer rests on: pairs, matches, or entities.
    package var count: Int {
        switch measure {
        case .sampleRatio(let arms): arms.count
        case .split(let matches): matches.differences.count
        case .flips(let pairs): pairs.count
        case .differences(let pairs): pairs.count
        }
    }
}

extension GuardrailState: Codable {
    private enum Key: CodingKey { case format, measure, missing, unreadable, harmed, provedInWindow }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard try container.decode(Int.self, forKey: .format) == Self.format else {
            throw DecodingError.dataCorruptedError(forKey: .format, in: container, debugDescription: "this version reads guardrail states of format \(Self.format)")
        }
        measure = try container.decode(Measure.self, forKey: .measure)
        missing = try container.decode(Int.self, forKey: .missing)
        unreadable = try container.decode(Int.self, forKey: .unreadable)
        harmed = try container.decode(Bool.self, forKey: .harmed)
        provedInWindow = try container.decodeIfPresent(Int.self, forKey: .provedInWindow)
        let counts = 0...Counting.most
        guard counts.contains(missing), counts.contains(unreadable), provedInWindow.map((1...FirstSights.mostWindows).contains) ?? true else {
            throw DecodingError.dataCorruptedError(forKey: .missing, in: container, debugDescription: "counts lie from 0 to \(Counting.most)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.format, forKey: .format)
        try container.encode(measure, forKey: .measure)
        try container.encode(missing, forKey: .missing)
        try container.encode(unreadable, forKey: .unreadable)
        try container.encode(harmed, forKey: .harmed)
        try container.encodeIfPresent(provedInWindow, forKey: .provedInWindow)
    }
}
