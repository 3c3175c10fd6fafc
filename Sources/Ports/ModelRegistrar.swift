// Where a register stage's model goes: the one place at which training and serving meet.
package import Evidence
package import Pipelines
package import Primitives
package import Registry

package struct RegistrarError: Error, Sendable, CustomStringConvertible {
    /// One sentence: what was not registered, why, and what to do.
    package var message: String

    package init(_ message: String) { self.message = message }
    package var description: String { message }
}

/// What is to become a version, all of it in the run's artifact store.
package struct RegistrationOrder: Sendable {
    package var name: ModelName
    package var model: Digest
    package var format: String
    /// The training contract's bytes, and the signature that they give.
    package var contract: [UInt8]
    package var signature: Digest
    /// The rows to measure it on.
    package var dataset: Digest
    /// How each output behind the model, and the model itself, came about.
    package var provenance: [Statement<SLSAProvenance>]
    package var note: String

    package init(
        name: ModelName, model: Digest, format: String, contract: [UInt8], signature: Digest, dataset: Digest, provenance: [Statement<SLSAProvenance>], note: String
    ) {
        self.name = name
        self.model = model
        self.format = format
        self.contract = contract
        self.signature = signature
        self.dataset = dataset
        self.provenance = provenance
        self.note = note
    }
}

/// Repeating an order is harmless: a version that has the artifact and the contract already is the answer.
package protocol ModelRegistrar: Sendable {
    /// Tells one registry from another, for the fingerprint: what one has, another may lack.
    var registry: String { get }
    func register(_ order: RegistrationOrder, from artifacts: any ArtifactStore) async throws(RegistrarError) -> ModelVersionID
}
