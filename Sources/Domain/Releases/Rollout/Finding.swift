// What a guardrail said when something was decided by it.
package import Guardrails

/// One guardrail's reading as the ledger keeps it. The interval is of the share, or of candidate minus champion.
package struct Finding: Codable, Hashable, Sendable {
    package var signal: String
    package var answer: GuardrailAnswer
    package var estimate: Double?
    package var lower: Double
    package var upper: Double
    /// Pairs, matches or entities.
    package var count: Int
    package var missing: Int
    /// Why it is errored.
    package var fault: String?

    package init(_ signal: GuardrailSignal, _ reading: GuardrailReading) {
        self.signal = signal.description
        answer = reading.answer
        estimate = reading.estimate
        lower = reading.interval.lower
        upper = reading.interval.upper
        count = reading.count
        missing = reading.missing
        fault = reading.fault
    }

    /// `decision_flips 0.31 (0.18 to 0.45, 412 pairs): harm`.
    package var spelled: String {
        let value = estimate.map { "\(Self.short($0)) (\(Self.short(lower)) to \(Self.short(upper)), \(count) seen)" } ?? "nothing seen"
        return "\(signal) \(value): \(answer.rawValue)\(fault.map { ", \($0)" } ?? "")"
    }

    private static func short(_ value: Double) -> String {
        let scaled = Int((value * 10_000).rounded())
        let digits = String(abs(scaled) + 100_000).dropFirst(2)
        return "\(scaled < 0 ? "-" : "")\(abs(scaled) / 10_000).\(digits)"
    }
}
