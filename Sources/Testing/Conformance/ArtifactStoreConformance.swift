// The promises of the artifacts' port, each as a check that any store can be held to.
package import Ports
package import Primitives

/// A fresh, empty store, and what a check may do to it from outside.
package struct ArtifactStoreBench: Sendable {
    package var store: any ArtifactStore
    /// Opens what a kill at this instant would leave, while `store` is still open. `nil` for a store that ends with its process.
    package var reopen: (@Sendable () async throws -> any ArtifactStore)?
    /// Changes one stored byte of an artifact. `nil` for a store that nothing outside can reach.
    package var tamper: (@Sendable (_ digest: Digest) async throws -> Void)?

    package init(
        store: any ArtifactStore, reopen: (@Sendable () async throws -> any ArtifactStore)? = nil, tamper: (@Sendable (_ digest: Digest) async throws -> Void)? = nil
    ) {
        self.store = store
        self.reopen = reopen
        self.tamper = tamper
    }
}

/// One check for each sentence; each makes its own store, and looks at nothing that another sentence promises.
package struct ArtifactStoreConformance: Sendable {
    /// Word for word from the comments of the port.
    package enum Sentence: String, CaseIterable, Sendable {
        case durability = "When `put` has returned, the artifact survives power loss; a crash before leaves nothing under its digest."
        case naming = "Bytes that do not have the promised digest are never stored under it."
        case integrity = "`read` and `verifiedFile` check the digest of what they hand out and throw `.damaged` when it differs."
        case putting = "Stores a whole artifact; storing it again is harmless."
        case stream = "Stores what a stream delivers, at most `limit` bytes, and only if its digest is `expected`."
        case reading = "The whole artifact, at most `limit` bytes."
        case file = "A path from which a native library can load; its content was hashed just now."
    }

    private let make: @Sendable () async throws -> ArtifactStoreBench

    package init(make: @escaping @Sendable () async throws -> ArtifactStoreBench) { self.make = make }

    package func check(_ sentence: Sentence) async throws(ConformanceFailure) {
        try await ConformanceFailure.judge(sentence.rawValue) {
            let checks = ArtifactStoreChecks(bench: try await make())
            switch sentence {
            case .durability: try await checks.durability()
            case .naming: try await checks.naming()
            case .integrity: try await checks.integrity()
            case .putting: try await checks.putting()
            case .stream: try await checks.stream()
            case .reading: try await checks.reading()
            case .file: try await checks.file()
            }
        }
    }

    /// Every sentence that does not hold, in the order of the port.
    package func failures(of sentences: [Sentence] = Sentence.allCases) async -> [ConformanceFailure] {
        var failures: [ConformanceFailure] = []
        for sentence in sentences {
            do throws(ConformanceFailure) { try await check(sentence) } catch { failures.append(error) }
        }
        return failures
    }
}
