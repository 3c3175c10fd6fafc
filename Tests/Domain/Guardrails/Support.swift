// Seeded chance, and the rules that several tests use.
import Foundation
import Guardrails
import Primitives

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    /// The seed is mixed first: neighbouring seeds would give one sequence, shifted by one.
    init(_ seed: Int) {
        state = UInt64(bitPattern: Int64(seed))
        state = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func happens(_ chance: Double) -> Bool { Double(next() >> 11) * 0x1p-53 < chance }
}

enum Runs {
    private static let asked = ProcessInfo.processInfo.environment["PENSTOCK_SEEDS"].flatMap { Int($0) }

    /// Long runs also say what they saw.
    static var areMany: Bool { asked != nil }

    /// Seeded runs of a simulation: `few`, or PENSTOCK_SEEDS many.
    static func count(_ few: Int) -> Int { asked ?? few }

    /// The most false alarms that `count` runs at `alpha` show, but for three standard errors.
    static func most(_ count: Int, alpha: Double) -> Double { Double(count) * alpha + 3 * (Double(count) * alpha * (1 - alpha)).squareRoot() }

    static func counted(_ count: Int, _ run: (inout Seeded) throws -> Bool) rethrows -> Int {
        try (0..<count).count { seed in
            var chance = Seeded(seed)
            return try run(&chance)
        }
    }
}

extension GuardrailRule {
    static let offer = {
        guard let name = Identifier<DecidedOutcome>("offer") else { preconditionFailure("'offer' is a name") }
        return name
    }()
    static let flips = GuardrailRule(signal: .decisionFlips, harm: .moreThan(0.10), alpha: 0.05, then: .pause)
    static let rate = GuardrailRule(signal: .rate(offer), harm: .differsBy(0.05), alpha: 0.05, then: .pause)
    static let accuracy = GuardrailRule(signal: .outcomeAccuracy, harm: .lessBy(0.02), alpha: 0.05, proves: true, then: .rollback)
    static let errors = GuardrailRule(signal: .errors, harm: .moreBy(0.01), alpha: 0.05, then: .rollback)
    static let ratio = GuardrailRule(signal: .sampleRatio, harm: .uneven, alpha: 0.05, then: .pause)
}

extension Guardrail {
    mutating func pairs(_ count: Int, candidate: Double, champion: Double) {
        for _ in 0..<count { observe(.pair(candidate: candidate, champion: champion)) }
    }

    mutating func flips(_ count: Int, _ differ: Bool) {
        for _ in 0..<count { observe(.flip(differ)) }
    }
}

func near(_ left: Double, _ right: Double, within: Double = 1e-9) -> Bool { abs(left - right) <= within * max(1, abs(right)) }

/// JSON there and back.
func kept<Value: Codable>(_ value: Value) throws -> Value { try JSONDecoder().decode(Value.self, from: Data(StrictJSON.encode(value))) }

func decoded<Value: Decodable>(_: Value.Type, _ text: String) throws -> Value { try JSONDecoder().decode(Value.self, from: Data(text.utf8)) }
