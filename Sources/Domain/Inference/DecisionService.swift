// decision.yaml: what is decided, with which model and rule, within which limits.
package import Contracts
package import Primitives

package struct DecisionService: Hashable, Sendable {
    /// A bound on how large a share of the decisions an outcome may be.
    package struct OutcomeLimit: Hashable, Sendable {
        package var outcome: Outcome
        /// More than 0, less than 1.
        package var atMost: Double
        package var over: Duration
        /// What is decided instead.
        package var beyond: Outcome

        package init(outcome: Outcome, atMost: Double, over: Duration, beyond: Outcome) {
            self.outcome = outcome
            self.atMost = atMost
            self.over = over
            self.beyond = beyond
        }

        /// The key in the file: `offer_rate`.
        package var key: String { "\(outcome)_rate" }

        /// An empty window. Each owner counts its own decisions, so the limit holds per owner.
        package func makeRateLimit() -> RateLimit { RateLimit(atMost: atMost, overMilliseconds: over.wholeMilliseconds) }
    }

    package var name: ServiceName
    package var model: ModelName
    /// The request contract's file, relative to decision.yaml.
    package var input: String
    /// The column whose value keeps a subject on one release.
    package var entity: String
    /// The answer without a model, and where one could not score.
    package var fallback: Outcome
    package var rule: DecisionRule
    /// The answer to a row outside the contract; the fallback unless the file says otherwise.
    package var outsideContract: Outcome
    package var limits: [OutcomeLimit]
    /// How decisions are recorded; `nil` where they are not.
    package var record: RecordDurability?
    /// The truth that decisions are compared with; `nil` where none is expected.
    package var outcome: OutcomeTerms?

    /// Everything that the service can answer, the rule's outcomes first, each once.
    package var outcomes: [Outcome] {
        var all: [Outcome] = []
        for outcome in rule.outcomes + [fallback, outsideContract] + limits.map(\.beyond) where !all.contains(outcome) { all.append(outcome) }
        return all
    }

    /// The limit on the rule's line, if there is one.
    package func limit(ofLine index: Int) -> OutcomeLimit? {
        guard rule.lines.indices.contains(index) else { return nil }
        return limits.first { $0.outcome == rule.lines[index].outcome }
    }

    /// One sentence for each way in which the service and its request contract do not fit; none when they do.
    package func mismatch(with request: DataContract) -> [String] {
        guard let column = request.columns.first(where: { $0.name == entity }) else {
            return ["the entity '\(entity)' of '\(name)' is no column of the contract '\(request.id)'; name one of its columns"]
        }
        guard column.role == .entity else {
            return ["'\(entity)' is the entity of '\(name)', and the contract '\(request.id)' gives it the role \(column.role.rawValue); make it entity"]
        }
        return []
    }

    package static func read(_ node: DocumentNode) throws(DocumentError) -> DecisionService {
        var fields = try node.fields()
        let name: ServiceName = try fields.need("decision").name()
        let model: ModelName = try fields.need("model").name()
        let input = try readPath(fields.need("input"))
        let entity = try fields.need("entity").text()
        var answer = try fields.need("fallback").fields()
        let fallback: Outcome = try answer.need("decide").name()
        try answer.finish()
        let rule = try DecisionRule.read(fields.need("rule"))
        let limits = fields.take("limits")
        var outcome: OutcomeTerms?
        if let terms = fields.take("outcome") { outcome = try OutcomeTerms.read(terms) }
        let record: RecordDurability? = if let durability = fields.take("record") { try durability.choice() } else { nil }
        try fields.refuseUnbuilt("reasons", because: "decisions carry no reason codes in this version")
        try fields.finish()
        if let outcome, record == nil {
            throw DocumentError("outcomes of '\(outcome.name)' belong to recorded decisions; add 'record: durable' or 'record: buffered'", at: node.place)
        }
        var service = DecisionService(
            name: name, model: model, input: input, entity: entity, fallback: fallback, rule: rule, outsideContract: fallback, limits: [])
        service.record = record
        service.outcome = outcome
        if let limits { try service.readLimits(limits) }
        return service
    }

    /// A path that stays inside the folder of the file which names it.
    static func readPath(_ node: DocumentNode) throws(DocumentError) -> String {
        let path = try node.text()
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let plain = path.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0 != "\\" }
        guard plain, path.utf8.count <= 1024, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw DocumentError("'\(path.prefix(80))' is no path inside this folder; write one such as contracts/request.yaml, without '..'", at: node.place)
        }
        return path
    }

    private mutating func readLimits(_ node: DocumentNode) throws(DocumentError) {
        var fields = try node.fields()
        if let outside = fields.take("outside_contract") { outsideContract = try readReferral(outside) }
        for entry in fields.takeAll() {
            guard entry.key.hasSuffix("_rate"), let outcome = Outcome(entry.key.dropLast(5)), rule.outcomes.contains(outcome) else {
                let known = ["outside_contract"] + rule.outcomes.map { "\($0)_rate" }
                throw DocumentError("unknown limit '\(entry.key.prefix(60))'; known here: \(known.joined(separator: ", "))", at: entry.place)
            }
            limits.append(try readLimit(entry.value, of: outcome))
        }
        try fields.finish()
        for limit in limits {
            guard limits.contains(where: { $0.outcome == limit.beyond }) else { continue }
            throw DocumentError("'\(limit.key)' goes over to '\(limit.beyond)', which has a limit itself; use an outcome without one", at: node.place)
        }
    }

    private func readLimit(_ node: DocumentNode, of outcome: Outcome) throws(DocumentError) -> OutcomeLimit {
        var fields = try node.fields()
        let most = try fields.need("at_most")
        let over = try fields.need("over")
        let beyond = try fields.need("beyond")
        try fields.finish()
        let share = try most.number()
        guard share >= RateLimit.smallestShare, share < 1 else {
            throw DocumentError("a rate is a share from \(RateLimit.smallestShare) to below 1, found \(most.kind)", at: most.place)
        }
        let span = try over.duration()
        guard (.seconds(1)...(.seconds(86_400))).contains(span) else {
            throw DocumentError("a rate is taken over 1s to 1d, found \(over.kind)", at: over.place)
        }
        let other = try readReferral(beyond)
        guard other != outcome else { throw DocumentError("beyond its limit '\(outcome)' must become another outcome", at: beyond.place) }
        return OutcomeLimit(outcome: outcome, atMost: share, over: span, beyond: other)
    }

    /// An outcome of the rule, the fallback, or `review`: a person decides.
    private func readReferral(_ node: DocumentNode) throws(DocumentError) -> Outcome {
        let outcome: Outcome = try node.name()
        guard outcome == fallback || outcome.text == "review" || rule.outcomes.contains(outcome) else {
            throw DocumentError("'\(outcome)' is no outcome of this service; use one of its rule, its fallback, or review", at: node.place)
        }
        return outcome
    }
}
