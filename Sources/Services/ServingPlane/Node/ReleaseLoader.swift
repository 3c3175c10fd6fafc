// Makes a verified release ready to answer: its files fetched, checked, parsed, loaded and warmed.
internal import Contracts
internal import Decisions
internal import Inference
private import NIOPosix
internal import Ports
internal import Primitives
internal import Releases

/// Why a release is not loaded. A line that is down is tried again; everything else is a refusal that the control plane hears of.
enum LoadFailure: Error {
    case lineDown(String)
    case refused(String)
}

struct ReleaseLoader: Sendable {
    let link: any ControlPlaneLink
    let artifacts: any ArtifactStore
    let engine: any ModelEngine
    let parser: any DocumentParser
    let loops: Int
    /// `nil` where this node records nothing.
    let recordKey: RecordKey?

    func load(_ release: VerifiedRelease) async throws(LoadFailure) -> ServingArm {
        let spec = release.spec
        let service = try await document(spec.proposal.decision, "decision.yaml") { node throws(DocumentError) in try DecisionService.read(node) }
        guard service.name == spec.service, service.model == spec.model?.version.model ?? service.model else {
            throw .refused("the decision file of \(spec.release) is of another service or model")
        }
        if service.record != nil, recordKey == nil {
            throw .refused("\(service.name) asks for recorded decisions, and this node has no record key; copy record.key of the installation's home to the node's folder")
        }
        let request = try await document(spec.proposal.request, service.input) { node throws(DocumentError) in try DataContract.read(node) }
        if let mismatch = service.mismatch(with: request).first { throw .refused(mismatch) }
        guard let model = spec.model else { return try await arm(release, service, nil, request) { nil } }
        let training = try await document(model.contract, "the training contract") { node throws(DocumentError) in try DataContract.read(node) }
        let signature: ModelSignature
        do { signature = try ModelSignature(trainingContract: training) } catch { throw .refused(error.message) }
        let bytes = try await bytes(of: model.artifact, limit: model.bytes)
        return try await arm(release, service, signature, request) { [engine] () throws(ModelEngineError) in
            try engine.load(bytes, format: model.format, features: signature.features.count)
        }
    }

    /// Loads and warms on a thread that may block: parsing a large model takes seconds.
    private func arm(
        _ release: VerifiedRelease, _ service: DecisionService, _ signature: ModelSignature?, _ request: DataContract,
        _ load: @escaping @Sendable () throws(ModelEngineError) -> (any LoadedModel)?
    ) async throws(LoadFailure) -> ServingArm {
        let admission: RowAdmission
        do { admission = try RowAdmission(signature: signature, request: request) } catch { throw .refused(error.message) }
        do {
            return try await NIOThreadPool.singleton.runIfActive { [loops, recordKey] in
                try ServingArm(release: release, service: service, admission: admission, request: request, key: recordKey, model: try load(), loops: loops)
            }
        } catch {
            throw .refused((error as? ModelEngineError)?.message ?? "\(error)")
        }
    }

    private func document<Value>(_ digest: Digest, _ file: String, _ read: (DocumentNode) throws(DocumentError) -> Value) async throws(LoadFailure) -> Value {
        let bytes = try await bytes(of: digest, limit: Limits.documentBytes)
        do { return try read(try parser.parse(bytes, file: file)) } catch { throw .refused(error.description) }
    }

    /// From the node's own store, which checks the digest of what it hands out; fetched when it is not there, or was changed there.
    private func bytes(of digest: Digest, limit: Int) async throws(LoadFailure) -> [UInt8] {
        let lack: ArtifactError
        do { return try await artifacts.read(digest, limit: limit) } catch { lack = error }
        guard lack.code == .missing || lack.code == .damaged else { throw .refused(lack.message) }
        do { try await link.fetch(digest, into: artifacts) } catch {
            guard error.code == .unavailable else { throw .refused(error.message) }
            throw .lineDown(lack.code == .damaged ? "\(lack.message); it cannot be fetched anew now: \(error.message)" : error.message)
        }
        do { return try await artifacts.read(digest, limit: limit) } catch { throw .refused(error.message) }
    }
}

/// The way back, tried before it is needed.
enum Rehearsal {
    /// Puts the candidate where the champion is, orders the way back, and measures until the champion has answered again. Uses scorers of its own.
    static func run(candidate: ServingArm, champion: ServingArm) throws(LoadFailure) -> Double {
        do {
            let rows = ServingArm.rehearsalRows(champion.admission.featureCount)
            let scorer = try champion.model?.makeScorer()
            let before = try answers(rows, scorer)
            let slot = CurrentSnapshot()
            let name = champion.stamp.service
            slot.replace(name, with: ServiceSlot(champion: candidate, standby: champion))
            if let other = try candidate.model?.makeScorer() { _ = try answers(ServingArm.rehearsalRows(candidate.admission.featureCount), other) }
            let began = ContinuousClock.now
            slot.replace(name, with: ServiceSlot(champion: champion, standby: candidate))
            guard slot.value.slots[name]?.champion === champion else { throw LoadFailure.refused("the way back led to another release") }
            _ = try answers(Array(rows.prefix(1)), scorer)
            let milliseconds = (ContinuousClock.now - began).seconds * 1000
            guard try answers(rows, scorer) == before else { throw LoadFailure.refused("the champion answers otherwise after the way back than before") }
            return milliseconds
        } catch {
            if let failure = error as? LoadFailure { throw failure }
            throw .refused("the rehearsal failed: \(error)")
        }
    }

    /// Bit patterns, so that equal means equal.
    private static func answers(_ rows: [[Double]], _ scorer: (any RowScorer)?) throws(ModelEngineError) -> [UInt64] {
        guard let scorer else { return [] }
        var answers: [UInt64] = []
        for row in rows { answers.append(try ServingArm.score(row, with: scorer).bitPattern) }
        return answers
    }
}
