// Turns what people, validators and nodes say into entries of the ledger, and what is approved into routing tables.
package import Evidence
package import Logging
package import Ports
internal import Primitives
private import Registry
internal import Releases
internal import ServiceLifecycle

/// The owner of releases. Commands (see `ReleaseDesk`) append what was asked; `pass` moves every release one step toward what is true.
///
/// Level-triggered: a pass looks only at the folded state, makes at most one write, and can be killed anywhere; the next pass, here or
/// after a restart, goes on. Nothing is remembered outside the ledger.
package final class ReleaseController: Service, Sendable {
    package struct Dependencies: Sendable {
        package var store: any LedgerStore
        package var artifacts: any ArtifactStore
        package var parser: any DocumentParser
        package var probe: any ModelProbe
        package var comparisons: any ComparisonSource
        package var clock: any WallClock
        package var random: any RandomSource
        package var logger: Logger

        package init(
            store: any LedgerStore, artifacts: any ArtifactStore, parser: any DocumentParser, probe: any ModelProbe,
            comparisons: any ComparisonSource, clock: any WallClock, random: any RandomSource, logger: Logger
        ) {
            self.store = store
            self.artifacts = artifacts
            self.parser = parser
            self.probe = probe
            self.comparisons = comparisons
            self.clock = clock
            self.random = random
            self.logger = logger
        }
    }

    let dependencies: Dependencies
    let keys: ServiceKeys
    package let keeper: StateKeeper
    let files: ReleaseFiles
    let rehearsals = Rehearsals()
    let watch: RolloutWatch
    private let interval: Duration

    /// `interval` is the time between passes.
    package init(_ dependencies: Dependencies, keys: ServiceKeys, interval: Duration = .milliseconds(250)) {
        self.dependencies = dependencies
        self.keys = keys
        self.interval = interval
        keeper = StateKeeper(store: dependencies.store, random: dependencies.random)
        watch = RolloutWatch(dependencies.comparisons)
        files = ReleaseFiles(artifacts: dependencies.artifacts, parser: dependencies.parser)
    }

    /// Folds the ledger, or begins it with the trust root. Call once, before anything else.
    package func open(trust envelope: Envelope) async throws(DeskError) {
        try await keeper.load()
        let current = await keeper.state
        if current.trust != nil, current.trustEnvelope?.payload != envelope.payload {
            throw DeskError(.damaged, rule: "trust", "trust.json is not the trust root that this ledger has; put the right file back")
        }
        // Looked at before the first entry is written: a ledger cannot be begun again.
        if let trust = current.trust ?? (try? TrustRoot.openGenesis(envelope)), let service = keys.misfit(with: trust) {
            throw DeskError(.damaged, rule: "trust", "the \(service) key in this home is not the one that the trust root lists; restore the keys folder")
        }
        if current.trust == nil {
            let at = dependencies.clock.now()
            try await keeper.exclusively { keeper throws(DeskError) in try await keeper.record([.trustRoot(envelope, at: at)]) }
        }
    }

    package func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do {
                while try await pass() {}
            } catch {
                dependencies.logger.error("a controller pass failed and will be repeated", metadata: ["error": "\(error)"])
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: self.interval) }
        }
    }

    /// One step for the first release that can take one; false when there is nothing to do. What keeps one release from its step keeps no other.
    package func pass() async throws(DeskError) -> Bool {
        try await keeper.refresh()
        let state = await keeper.state
        guard let trust = state.trust else { return false }
        var failure: DeskError?
        for release in state.releases.values.sorted(by: { $0.proposal.number < $1.proposal.number || $0.id < $1.id && $0.proposal.number == $1.proposal.number }) {
            do throws(DeskError) {
                if try await step(release, state, trust) { return true }
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        return false
    }

    private func step(_ release: Release, _ state: SystemState, _ trust: TrustRoot) async throws(DeskError) -> Bool {
        switch release.phase {
        case .validating: try await validate(release, state)
        case .awaitingApproval: try await prepare(release, state, trust)
        case .preparing: try await expose(release, state, trust)
        case .exposed: try await follow(release, state, trust)
        case .live, .superseded, .refused, .rejected, .aborted, .rolledBack: false
        }
    }

    /// A step that is watched is steered; the one to live ends when nodes answer with it.
    private func follow(_ release: Release, _ state: SystemState, _ trust: TrustRoot) async throws(DeskError) -> Bool {
        guard let step = release.exposure?.step, let spec = release.sealed, spec.exposure.indices.contains(step) else {
            return false
        }
        return spec.exposure[step] == .live ? try await confirm(release, state) : try await steer(release, spec, state, trust)
    }

    /// Moves on what was just asked for. That is in the ledger whatever comes of this: the next pass goes on where one fails.
    func settle() async {
        do { while try await pass() {} } catch {
            dependencies.logger.warning("a controller pass failed and will be repeated", metadata: ["error": "\(error)"])
        }
    }

    /// Decides what somebody asked for on what the ledger says, and decides again where another entry came between: a person's order is not lost to
    /// bookkeeping. Every turn that is lost is an entry that somebody else has written.
    func insisting<Result>(_ decide: (SystemState) async throws(DeskError) -> Result) async throws(DeskError) -> Result {
        for _ in 1..<Self.mostTurns {
            try await keeper.refresh()
            let state = await keeper.state
            do throws(DeskError) { return try await decide(state) } catch {
                guard error.category == .conflict, error.rule == "order", await keeper.state.size > state.size else { throw error }
            }
        }
        return try await decide(await keeper.state)
    }

    /// Far more than there are writers.
    private static let mostTurns = 256

    /// Appends if the release is still where the decision found it.
    func append(_ records: [LedgerRecord], if release: Release) async throws(DeskError) {
        try await keeper.exclusively { keeper throws(DeskError) in
            guard keeper.state.releases[release.id] == release else {
                throw DeskError(.conflict, rule: "order", "\(release.id) changed meanwhile; look again")
            }
            try await keeper.record(records)
        }
    }
}
