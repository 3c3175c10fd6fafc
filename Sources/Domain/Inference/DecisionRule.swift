// From a model's score to an outcome.
package import Primitives

package enum OutcomeSubject {}

/// What a decision service may decide: `offer`, `review`, `none`.
package typealias Outcome = Identifier<OutcomeSubject>

/// Outcomes with falling thresholds; the last takes what is left.
package struct DecisionRule: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        package var outcome: Outcome
        /// The smallest score that decides so; `nil` in the last line only.
        package var atLeast: Double?

        package init(outcome: Outcome, atLeast: Double?) {
            self.outcome = outcome
            self.atLeast = atLeast
        }
    }

    package let lines: [Line]

    /// The outcomes in the order of the lines.
    package var outcomes: [Outcome] { lines.map(\.outcome) }

    /// The position of the first line that the score reaches. `nil` when the score is not a number from 0 to 1: then nothing was
    /// measured, and the caller answers with the fallback.
    package func decide(score: Double) -> Int? {
        guard score >= 0, score <= 1 else { return nil }
        return lines.firstIndex { $0.atLeast.map { score >= $0 } ?? true }
    }

    static func read(_ node: DocumentNode) throws(DocumentError) -> DecisionRule {
        var lines: [Line] = []
        let items = try node.list()
        for (index, item) in items.enumerated() {
            let line = try readLine(item, isLast: index == items.count - 1)
            if lines.contains(where: { $0.outcome == line.outcome }) {
                throw DocumentError("'\(line.outcome)' is decided by two lines; one outcome has one line", at: item.place)
            }
            if let least = line.atLeast, let above = lines.last?.atLeast, least >= above {
                throw DocumentError("the threshold \(least) does not lie below \(above), so this line is never reached; order them falling", at: item.place)
            }
            lines.append(line)
        }
        guard !lines.isEmpty else { throw DocumentError("a rule needs at least one line, the last without 'when'", at: node.place) }
        return DecisionRule(lines: lines)
    }

    private static func readLine(_ node: DocumentNode, isLast: Bool) throws(DocumentError) -> Line {
        var fields = try node.fields()
        let outcome: Outcome = try fields.need("decide").name()
        let when = fields.take("when")
        try fields.finish()
        guard let when else {
            guard isLast else { throw DocumentError("only the last line may stand without 'when', for it takes every score", at: node.place) }
            return Line(outcome: outcome, atLeast: nil)
        }
        var conditions = try when.fields()
        let score = try conditions.need("score")
        try conditions.finish()
        var bounds = try score.fields()
        try bounds.refuseUnbuilt("below", because: "lines are tried in order, with falling at_least")
        let least = try bounds.need("at_least")
        try bounds.finish()
        let value = try least.number()
        guard (0...1).contains(value) else { throw DocumentError("a score lies between 0 and 1, and so does at_least; found \(least.kind)", at: least.place) }
        guard !isLast else { throw DocumentError("the last line takes what is left: add '- { decide: … }' without 'when' after it", at: node.place) }
        return Line(outcome: outcome, atLeast: value)
    }
}
