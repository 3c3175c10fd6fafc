// Registers what a pipeline made with an installation's control plane, by the key of the person who ran it.
import ControlPlaneClient
import Evidence
import Foundation
import Ports
import Primitives
import Registry

struct ControlPlaneRegistrar: ModelRegistrar {
    /// The control plane's address and the operator's token, or why there is none.
    let connection: Result<(url: String, token: String), Failure>
    let signer: Result<Signer, Failure>
    let registry: String

    init(home: Home, url: String?, key: String?) {
        connection = Result { () throws(Failure) in
            guard home.exists || url != nil else {
                throw Failure.unavailable("there is no installation in \(home.path) to register with; make one with 'penstock init', start it with 'penstock up'")
            }
            do { return try ConnectionOptions.address(url: url, home) } catch { throw error as? Failure ?? Failure.unavailable("\(error)") }
        }
        signer = Result { () throws(Failure) in
            guard let key else { throw Failure.badInput("a version is signed by the person who registers it: name your key with --key") }
            do { return try Signer(key: key, home: home) } catch {
                throw error as? Failure ?? Failure(translating: error) ?? Failure.badInput("\(error)")
            }
        }
        // The ledger's key tells one installation from another of the same name.
        registry = (try? home.trustRoot()).map { "\($0.ledgerOrigin) \($0.services.ledger.id.digest.short)" } ?? "none"
    }

    func register(_ order: RegistrationOrder, from artifacts: any ArtifactStore) async throws(RegistrarError) -> ModelVersionID {
        do {
            let (url, token) = try connection.get(), signer = try signer.get()
            let client = try ControlPlaneClient(url: url, token: token)
            let result: Result<ModelVersionID, any Error>
            do { result = .success(try await register(order, artifacts, client, signer)) } catch { result = .failure(error) }
            await client.shutdown()
            return try result.get()
        } catch {
            let failure = error as? Failure ?? Failure(translating: error)
            throw RegistrarError(
                "the model was not registered, and everything before it is kept: \(failure?.message ?? "\(error)"); run again when that is put right")
        }
    }

    private func register(_ order: RegistrationOrder, _ artifacts: any ArtifactStore, _ client: ControlPlaneClient, _ signer: Signer) async throws -> ModelVersionID {
        let contract = Digest.of(order.contract)
        let model = try await artifacts.verifiedFile(order.model)
        try await client.upload(order.contract, as: contract)
        _ = try await client.upload(file: model)
        _ = try await client.upload(file: try await artifacts.verifiedFile(order.dataset))
        for statement in order.provenance {
            try await client.record(provenance: Envelope(signing: statement, as: statementPayloadType, by: [signer.key]))
        }
        let versions = try await client.modelVersions().filter { $0.registration.version.model == order.name }
        let same = versions.last { $0.registration.artifact == order.model && $0.registration.contract == contract }
        var view: ModelVersionView
        if let same {
            view = same
        } else {
            let version = ModelVersionID(model: order.name, number: (versions.map(\.registration.version.number).max() ?? 0) + 1)
            let registration = Registration(
                version: version, artifact: order.model, bytes: try FileDigest(model).bytes, format: order.format, contract: contract, signature: order.signature,
                author: signer.person.id, registered: SystemClock().now(), note: order.note)
            view = try await client.register(Envelope(signing: registration.statement, as: statementPayloadType, by: [signer.key]))
        }
        if !view.evaluations.contains(where: { $0.dataset == order.dataset }) {
            _ = try await client.evaluate(view.registration.version, dataset: order.dataset)
        }
        return view.registration.version
    }
}
