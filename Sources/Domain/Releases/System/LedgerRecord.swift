// The kinds of ledger entries, and which history each belongs to.
package import Decisions
package import Evidence
package import Primitives
private import Registry

/// One entry's meaning. Kinds and payloads are frozen once written.
package enum LedgerRecord: Hashable, Sendable {
    case trustRoot(Envelope, at: Instant)
    case registered(Envelope, at: Instant)
    case evidence(Envelope, at: Instant)
    /// How an output of a pipeline came about, signed by the person who ran it.
    case provenance(Envelope, at: Instant)
    case release(ReleaseID, ReleaseEvent)
    case routing(Envelope, at: Instant)
    case observed(Envelope, at: Instant)
    /// Stored by the control plane, which commits to it here; the payloads are elsewhere.
    case decisions(DecisionBatch, at: Instant)

    package var kind: String {
        switch self {
        case .trustRoot: "trust.root"
        case .registered: "model.registered"
        case .evidence: "evidence.recorded"
        case .provenance: "provenance.recorded"
        case .release(_, let event): event.kind
        case .routing: "routing.table"
        case .observed: "node.observed"
        case .decisions: "decisions.recorded"
        }
    }

    package var at: Instant {
        switch self {
        case .trustRoot(_, let at), .registered(_, let at), .evidence(_, let at), .provenance(_, let at), .routing(_, let at), .observed(_, let at),
            .decisions(_, let at):
            at
        case .release(_, let event): event.at
        }
    }

    package var payload: [UInt8] {
        switch self {
        case .trustRoot(let envelope, let at), .registered(let envelope, let at), .evidence(let envelope, let at), .provenance(let envelope, let at),
            .routing(let envelope, let at), .observed(let envelope, let at):
            StrictJSON.encode(SignedRecord(envelope: envelope, at: at))
        case .decisions(let batch, let at): StrictJSON.encode(BatchRecord(batch: batch, at: at))
        case .release(let id, let event): event.payload(of: id)
        }
    }

    package func entry(salt: [UInt8]) -> LedgerEntry { LedgerEntry(kind: kind, salt: salt, payload: payload) }

    package static func read(_ entry: LedgerEntry) throws(ReleaseError) -> LedgerRecord {
        if let (release, event) = try ReleaseEvent.read(kind: entry.kind, payload: entry.payload) { return .release(release, event) }
        if entry.kind == "decisions.recorded" { return try readBatch(entry) }
        let signed: SignedRecord
        do { signed = try StrictJSON.decode(from: entry.payload) } catch {
            throw ReleaseError(.invalid, "the \(entry.kind) entry cannot be read: \(StrictJSON.explain(error))")
        }
        guard signed.format == 1 else {
            throw ReleaseError(.invalid, "the \(entry.kind) entry has format \(signed.format), which is newer than this program; update penstock")
        }
        switch entry.kind {
        case "trust.root": return .trustRoot(signed.envelope, at: signed.at)
        case "model.registered": return .registered(signed.envelope, at: signed.at)
        case "provenance.recorded": return .provenance(signed.envelope, at: signed.at)
        case "evidence.recorded": return .evidence(signed.envelope, at: signed.at)
        case "routing.table": return .routing(signed.envelope, at: signed.at)
        case "node.observed": return .observed(signed.envelope, at: signed.at)
        default: throw ReleaseError(.invalid, "the ledger has an entry of kind '\(entry.kind.prefix(60))', which this program does not know; update penstock")
        }
    }

    private static func readBatch(_ entry: LedgerEntry) throws(ReleaseError) -> LedgerRecord {
        let record: BatchRecord
        do { record = try StrictJSON.decode(from: entry.payload) } catch {
            throw ReleaseError(.invalid, "the \(entry.kind) entry cannot be read: \(StrictJSON.explain(error))")
        }
        guard record.format == 1 else {
            throw ReleaseError(.invalid, "the \(entry.kind) entry has format \(record.format), which is newer than this program; update penstock")
        }
        return .decisions(record.batch, at: record.at)
    }

    /// The history that the entry belongs to, derived from what it says.
    package var stream: String {
        switch self {
        case .trustRoot: "trust"
        case .registered(let envelope, _): "model/" + (Self.registration(envelope)?.version.description ?? "unreadable")
        case .evidence: "evidence"
        case .provenance: "provenance"
        case .release(let id, _): "release/\(id)"
        case .routing: "routing"
        case .observed(let envelope, _): "node/" + (Self.observation(envelope)?.node.text ?? "unreadable")
        case .decisions(let batch, _): "decisions/\(batch.node)"
        }
    }

    /// The digests that the entry says something about, for finding it again.
    package var subjects: [Digest] {
        switch self {
        case .trustRoot, .routing, .decisions: []
        case .registered(let envelope, _): Self.registration(envelope).map { [$0.artifact, $0.contract] } ?? []
        case .evidence(let envelope, _), .provenance(let envelope, _): (try? envelope.peek(AnySubjects.self, as: statementPayloadType))?.digests ?? []
        case .release(_, .sealed(let spec, _)): [Digest.of(spec.bytes)]
        case .release: []
        case .observed(let envelope, _): Self.observation(envelope).map { [$0.spec] } ?? []
        }
    }

    private static func registration(_ envelope: Envelope) -> Registration? {
        (try? envelope.decodeUnverified(Statement<Registration>.self, as: statementPayloadType))?.predicate
    }

    private static func observation(_ envelope: Envelope) -> Observation? {
        try? envelope.decodeUnverified(as: Observation.payloadType)
    }
}

private struct SignedRecord: Codable {
    var format = 1
    var envelope: Envelope
    var at: Instant
}

private struct BatchRecord: Codable {
    var format = 1
    var batch: DecisionBatch
    var at: Instant
}

/// Just the subjects of a statement with any predicate.
private struct AnySubjects: Decodable {
    struct Subject: Decodable { var digest: [String: String] }
    var subject: [Subject]
    var digests: [Digest] { subject.compactMap { $0.digest["sha256"].flatMap { Digest(parsing: "sha256:" + $0) } } }
}
