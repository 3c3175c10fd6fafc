// A model version: what was registered, by whom, with what evidence.
package import Evidence
package import Primitives

/// One version of a model, counted from 1. Text form `flight-delay@3`.
package struct ModelVersionID: Hashable, Sendable, Codable, CustomStringConvertible {
    package var model: ModelName
    package var number: Int

    package init(model: ModelName, number: Int) {
        self.model = model
        self.number = number
    }

    package init?(parsing text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let model = ModelName(parts[0]), let number = Int(parts[1]), number > 0, String(number) == parts[1] else { return nil }
        self.init(model: model, number: number)
    }

    package var description: String { "\(model)@\(number)" }
}

/// What the author signs when registering: the predicate of an in-toto statement about the artifact.
package struct Registration: Codable, Hashable, Sendable {
    package static let predicateType = "urn:penstock:model-version:v1"

    package var version: ModelVersionID
    package var artifact: Digest
    package var bytes: Int
    /// `lightgbm` in this version.
    package var format: String
    /// The training contract's file, and the signature that it gives.
    package var contract: Digest
    package var signature: Digest
    package var author: PersonID
    package var registered: Instant
    package var note: String

    package init(
        version: ModelVersionID, artifact: Digest, bytes: Int, format: String, contract: Digest, signature: Digest, author: PersonID,
        registered: Instant, note: String
    ) {
        self.version = version
        self.artifact = artifact
        self.bytes = bytes
        self.format = format
        self.contract = contract
        self.signature = signature
        self.author = author
        self.registered = registered
        self.note = note
    }

    package var statement: Statement<Registration> {
        Statement(
            about: [.init(name: version.description, digest: artifact)], predicateType: Self.predicateType, predicate: self)
    }

    /// Reads a registration that its named author signed.
    package static func open(_ envelope: Envelope, trust: TrustRoot) throws(EvidenceError) -> Registration {
        let statement: Statement<Registration> = try envelope.decodeUnverified(as: statementPayloadType)
        let registration = statement.predicate
        guard statement.isStatement(predicateType), statement.isAbout(registration.artifact) else {
            throw EvidenceError(.malformed, "the statement is no registration of the artifact that it names")
        }
        guard registration.version.number > 0, registration.bytes >= 0 else {
            throw EvidenceError(.malformed, "a registration has a version from 1 and a size")
        }
        guard trust.signers(of: envelope).contains(where: { $0.id == registration.author }) else {
            throw EvidenceError(.untrusted, "\(registration.version) names \(registration.author) as its author, who has not signed it; sign with that person's key")
        }
        return registration
    }
}

/// What a validator measured about a model on a data set with the serving runtime.
package struct Evaluation: Codable, Hashable, Sendable {
    package static let predicateType = "urn:penstock:evaluation:v1"

    package var artifact: Digest
    package var dataset: Digest
    package var contract: Digest
    package var label: String
    package var rows: Int
    package var metrics: [String: Double]
    /// Which library scored, and which sandbox layers were active.
    package var runtime: String
    package var sandbox: [String]
    /// When it was measured, on the recorded clock.
    package var measured: Instant

    package init(
        artifact: Digest, dataset: Digest, contract: Digest, label: String, rows: Int, metrics: [String: Double], runtime: String,
        sandbox: [String], measured: Instant
    ) {
        self.artifact = artifact
        self.dataset = dataset
        self.contract = contract
        self.label = label
        self.rows = rows
        self.metrics = metrics
        self.runtime = runtime
        self.sandbox = sandbox
        self.measured = measured
    }

    package var statement: Statement<Evaluation> {
        Statement(
            about: [.init(name: "model", digest: artifact), .init(name: "dataset", digest: dataset)], predicateType: Self.predicateType,
            predicate: self)
    }
}

/// What a rehearsal found: the candidate was put in place of its predecessor and taken back.
package struct Reversibility: Codable, Hashable, Sendable {
    package static let predicateType = "urn:penstock:reversibility:v1"

    package var artifact: Digest
    /// The spec that would be rolled back to.
    package var baseline: Digest
    /// From the order to go back to the first answer of the predecessor, monotonic.
    package var milliseconds: Double
    /// Answers that were compared before and after; all were equal, or there is no statement.
    package var answers: Int
    package var measured: Instant

    package init(artifact: Digest, baseline: Digest, milliseconds: Double, answers: Int, measured: Instant) {
        self.artifact = artifact
        self.baseline = baseline
        self.milliseconds = milliseconds
        self.answers = answers
        self.measured = measured
    }

    package var statement: Statement<Reversibility> {
        Statement(
            about: [.init(name: "model", digest: artifact), .init(name: "baseline", digest: baseline)],
            predicateType: Self.predicateType, predicate: self)
    }
}
