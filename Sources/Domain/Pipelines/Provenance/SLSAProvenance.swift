// How one output came about, as SLSA provenance v1 says it.
package import Primitives

/// The predicate of an in-toto statement whose subject is one output of one execution. Keys after https://slsa.dev/provenance/v1, frozen.
package struct SLSAProvenance: Codable, Hashable, Sendable {
    package static let predicateType = "https://slsa.dev/provenance/v1"
    package static let buildType = "https://penstock.dev/pipeline-stage/v1"

    /// in-toto's ResourceDescriptor.
    package struct Resource: Codable, Hashable, Sendable {
        /// What the digest of a folder is taken over is no file; this says which.
        package static let treeMediaType = "application/vnd.penstock.tree"

        package var uri: String
        package var name: String?
        /// Algorithm to hex.
        package var digest: [String: String]
        package var mediaType: String?
    }

    /// What the team asked for.
    package struct ExternalParameters: Codable, Hashable, Sendable {
        package var pipeline: PipelineName
        package var stage: StageName
        package var output: SlotName
        package var work: String
        package var command: String
        package var folder: ProjectPath?
        package var parameters: [ParameterName: ParameterValue]
    }

    /// What the machine and Penstock brought.
    package struct InternalParameters: Codable, Hashable, Sendable {
        package var fingerprint: StageFingerprint
        package var determinism: Determinism
        package var interpreter: String?
        package var libc: String
        package var architecture: String
        package var threads: Int
        package var validators: [ValidatorName: String]
        /// The layers that were around the stage; the first is `none` when it saw the whole machine.
        package var sandbox: [String]
    }

    package struct BuildDefinition: Codable, Hashable, Sendable {
        package var buildType: String
        package var externalParameters: ExternalParameters
        package var internalParameters: InternalParameters
        package var resolvedDependencies: [Resource]
    }

    package struct Builder: Codable, Hashable, Sendable {
        package var id: String
        /// Part to version.
        package var version: [String: String]

        package init(id: String, version: [String: String]) {
            self.id = id
            self.version = version
        }
    }

    package struct Metadata: Codable, Hashable, Sendable {
        package var invocationId: String
        package var startedOn: Instant
        package var finishedOn: Instant
    }

    package struct RunDetails: Codable, Hashable, Sendable {
        package var builder: Builder
        package var metadata: Metadata
    }

    package var buildDefinition: BuildDefinition
    package var runDetails: RunDetails
}
