// What decision.yaml says about records and outcomes.
package import Primitives

/// When a decision may be answered.
package enum RecordDurability: String, CaseIterable, Codable, Hashable, Sendable {
    /// When its record survives power loss; otherwise it is refused.
    case durable
    /// At once; a record that is lost is counted.
    case buffered
}

package enum OutcomeNameSubject {}

/// What becomes true later, as decision.yaml calls it: `late`.
package typealias OutcomeName = Identifier<OutcomeNameSubject>

/// The truth that a service's decisions are compared with.
package struct OutcomeTerms: Hashable, Sendable {
    package var name: OutcomeName
    /// The outcome contract's file, relative to decision.yaml; one of its columns has the outcome's name.
    package var contract: String
    /// How long after its decision an outcome is waited for.
    package var maturesAfter: Duration
    /// Whether what was decided changes what becomes true. Then releases are not compared by it: each made the truth that it is measured with.
    package var isAffectedByDecision: Bool

    package init(name: OutcomeName, contract: String, maturesAfter: Duration, isAffectedByDecision: Bool) {
        self.name = name
        self.contract = contract
        self.maturesAfter = maturesAfter
        self.isAffectedByDecision = isAffectedByDecision
    }

    static func read(_ node: DocumentNode) throws(DocumentError) -> OutcomeTerms {
        var fields = try node.fields()
        let name: OutcomeName = try fields.need("name").name()
        let contract = try DecisionService.readPath(fields.need("contract"))
        let matures = try fields.need("matures_after")
        let affected = try fields.need("affected_by_decision").bool()
        try fields.finish()
        let span = try matures.duration()
        guard span <= .seconds(3650 * 86_400) else { throw DocumentError("an outcome is waited for at most 3650d, found \(matures.kind)", at: matures.place) }
        return OutcomeTerms(name: name, contract: contract, maturesAfter: span, isAffectedByDecision: affected)
    }
}
