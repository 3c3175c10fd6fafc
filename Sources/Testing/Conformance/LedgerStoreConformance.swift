// The promises of the ledger's port, each as a check that any store can be held to.
package import Ports

/// A fresh, empty ledger, and what a check may do to it from outside.
package struct LedgerStoreBench: Sendable {
    package var store: any LedgerStore
    /// Opens what a kill at this instant would leave, while `store` is still open. `nil` for a store that ends with its process.
    package var reopen: (@Sendable () async throws -> any LedgerStore)?
    /// Changes the payload of the entry at an index, and nothing else. `nil` for a store that nothing outside can reach.
    package var tamper: (@Sendable (_ index: Int) async throws -> Void)?

    package init(
        store: any LedgerStore, reopen: (@Sendable () async throws -> any LedgerStore)? = nil, tamper: (@Sendable (_ index: Int) async throws -> Void)? = nil
    ) {
        self.store = store
        self.reopen = reopen
        self.tamper = tamper
    }
}

/// One check for each sentence; each makes its own store, and looks at nothing that another sentence promises.
///
///     @Test(arguments: LedgerStoreConformance.Sentence.allCases)
///     func holds(_ sentence: LedgerStoreConformance.Sentence) async throws {
///         try await LedgerStoreConformance { LedgerStoreBench(store: try MyLedger()) }.check(sentence)
///     }
package struct LedgerStoreConformance: Sendable {
    /// Word for word from the comments of the port.
    package enum Sentence: String, CaseIterable, Sendable {
        case atomicity = "A commit is atomic over all its appends: entries, leaf hashes, Merkle nodes and heads become visible together or not at all."
        case durability = "When `commit` has returned, the entries survive kill -9 and power loss."
        case conflict = "A commit whose `expectedRevision` does not match for any stream changes nothing and throws `.conflict`."
        case order = "Entries are never changed or removed; indices are dense from 0 in commit order."
        case integrity = "Every read of an entry checks it against its stored leaf hash; a difference throws `.damaged` and names the index."
        case checkpoint = "A saved checkpoint is never replaced by one of a smaller size."
        case concurrency = "Any thread may call anything"
        case freshness = "reads see all commits that returned before they began."
        case subjects = "All entries indexed under this digest, in ledger order."
        case heads = "Heads of the streams whose name begins so, in the order of their names."
        case position = "How far the ledger goes: its size and the Merkle root over all leaves."
        case inclusion = "RFC 6962 §2.1.1 audit path; `nil` when index or size is out of range."
        case consistency = "RFC 6962 §2.1.2; `nil` when the sizes are out of range."
        case note = "The bytes of the last saved signed note."
    }

    private let make: @Sendable () async throws -> LedgerStoreBench

    package init(make: @escaping @Sendable () async throws -> LedgerStoreBench) { self.make = make }

    package func check(_ sentence: Sentence) async throws(ConformanceFailure) {
        try await ConformanceFailure.judge(sentence.rawValue) {
            let bench = try await make()
            let checks = LedgerStoreChecks(bench: bench)
            switch sentence {
            case .atomicity: try await checks.atomicity()
            case .durability: try await checks.durability()
            case .conflict: try await checks.conflict()
            case .order: try await checks.order()
            case .integrity: try await checks.integrity()
            case .checkpoint: try await checks.checkpoint()
            case .concurrency: try await checks.concurrency()
            case .freshness: try await checks.freshness()
            case .subjects: try await checks.subjects()
            case .heads: try await checks.heads()
            case .position: try await checks.position()
            case .inclusion: try await checks.inclusion()
            case .consistency: try await checks.consistency()
            case .note: try await checks.note()
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
