// What nodes send of their decisions, and what people ask about them.
internal import Decisions
internal import Hummingbird
internal import Inference
internal import NIOCore
internal import Ports
internal import Primitives

extension Handlers {
    /// A node's token says which node sends.
    static func takeEntries(_ call: Call) async throws -> Response {
        struct Answer: Encodable { var through: UInt64 }
        guard let node = (call.caller?.name.text).flatMap({ NodeID($0) }) else {
            throw Failure(.forbidden, rule: "token-kind", "the token names no node")
        }
        let body: ByteBuffer
        do { body = try await call.request.body.collect(upTo: FrameBatch.mostBytes) } catch is NIOTooManyBytesError {
            throw Failure(.tooLarge, rule: "size", "a batch has at most \(FrameBatch.mostBytes) bytes")
        }
        let frames: [LogFrame]
        do { frames = try FrameBatch.decode(Array(buffer: body)) } catch { throw Failure(.invalid, rule: "batch", error.message) }
        return .json(Answer(through: try await call.rooms.intake.take(frames, from: node)))
    }

    static func decision(_ call: Call) async throws -> Response {
        let text = call.context.parameters.get("id") ?? ""
        guard let id = DecisionID(parsing: text) else { throw Failure(.invalid, rule: "name", "a decision is named by the 32 hex digits that it was answered with") }
        let found = try await call.rooms.intake.store.decisions(id)
        guard let entry = found.first else {
            throw Failure(.notFound, rule: "decision", "there is no decision \(text) here; its node may not have sent it yet, or its service records none")
        }
        guard found.count == 1 else { throw Failure(.damaged, rule: "decisions", "\(found.count) decisions have the id \(text); an operator must look") }
        return .json(try await story(of: entry, id, call.rooms))
    }

    private static func story(of entry: KeptEntry, _ id: DecisionID, _ rooms: Rooms) async throws -> DecisionView {
        let record: DecisionRecord
        let values: [(column: String, value: RecordedValue)]
        do {
            record = try DecisionRecord(parsing: entry.payload)
            values = try record.values()
        } catch { throw Failure(.damaged, rule: "decisions", error.message) }
        guard let known = try await rooms.desk.recordedBatch(of: entry.node, with: entry.sequence) else {
            throw Failure(.unavailable, rule: "ledger", "the ledger does not commit to this decision yet; try again when its node has sent the next batch")
        }
        guard known.batch == entry.batch else {
            throw Failure(.damaged, rule: "decisions", "the stored decision is not what ledger entry \(known.index) commits to; restore the decisions from a backup")
        }
        let told = try await rooms.intake.store.outcomes(of: id).compactMap { kept in
            (try? OutcomeRecord(parsing: kept.payload)).map { DecisionView.Told($0, node: kept.node) }
        }
        let release = try await rooms.desk.release(record.decision.release)
        let service = try await rooms.desk.decisionService(of: record.decision.release)
        return DecisionView(
            record, fields: values.map { DecisionView.Field(column: $0.column, value: $0.value.words) }, rule: service.rule.lines.map(\.words), outcomes: told,
            place: .init(node: entry.node, sequence: entry.sequence, ledgerEntry: known.index, batch: known.batch), release: release)
    }

    static func report(_ call: Call) async throws -> Response {
        let service: ServiceName = try call.name("service")
        let releases = try await call.rooms.desk.releases().filter { $0.proposal.service == service }
        guard let newest = releases.max(by: { $0.proposal.number < $1.proposal.number }) else {
            throw Failure(.notFound, rule: "service", "there is no decision service \(service); see 'penstock release list'")
        }
        let terms = try await call.rooms.desk.decisionService(of: newest.id).outcome
        var selection = DecisionSelection(service: service, from: try instant("from", call), to: try instant("to", call), outcome: terms?.name, matureBefore: nil)
        if let terms { selection.matureBefore = call.rooms.clock.now().adding(.zero - terms.maturesAfter) }
        let store = call.rooms.intake.store
        let tallies = try await store.tally(selection), latencies = try await store.latencies(selection)
        return .json(DecisionReport(selection, isAffectedByDecision: terms?.isAffectedByDecision, tallies: tallies, latencies: latencies))
    }

    private static func instant(_ item: String, _ call: Call) throws(Failure) -> Instant? {
        guard let text = call.query[item] else { return nil }
        guard let instant = Instant(parsing: text) else { throw Failure(.invalid, rule: "query", "\(item) is a time in RFC 3339, such as 2013-06-30T12:00:00Z") }
        return instant
    }
}

extension RecordedValue {
    fileprivate var words: String {
        switch self {
        case .null: "null"
        case .text(let text): text
        case .number(let number): number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
        case .truth(let truth): String(truth)
        case .hash(let hash): "hash \(hash)"
        }
    }
}

extension DecisionRule.Line {
    fileprivate var words: String { atLeast.map { "\(outcome) from a score of \($0) up" } ?? "\(outcome) otherwise" }
}
