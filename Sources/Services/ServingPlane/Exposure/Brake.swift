// Takes a candidate away from requests at once, and for good.
internal import Logging
internal import NIOCore
internal import Ports
internal import Primitives
internal import Releases
private import Synchronization

/// The node's own way of stopping a release: no control plane, no agent, no queue stands between harm and the flip.
final class Brake: Sendable {
    let vetoes: VetoBook
    private let current: CurrentSnapshot
    private let clock: any WallClock
    private let logger: Logger
    private let keepings = Mutex<(releases: [Digest: (ExposureGate, ComparisonCounts)], clocks: [ServiceName: ReplayClock])>(([:], [:]))

    init(vetoes: VetoBook, current: CurrentSnapshot, clock: any WallClock, logger: Logger) {
        self.vetoes = vetoes
        self.current = current
        self.clock = clock
        self.logger = logger
    }

    /// What belongs to a candidate and its service, the same at each call.
    func keeping(of spec: Digest, _ service: ServiceName) -> ExposureKeeping {
        keepings.withLock { kept in
            let release = kept.releases[spec] ?? (ExposureGate(), ComparisonCounts()), clock = kept.clocks[service] ?? ReplayClock()
            kept.releases[spec] = release
            kept.clocks[service] = clock
            return ExposureKeeping(gate: release.0, counts: release.1, clock: clock)
        }
    }

    /// The candidate answers nothing from the first line on; the rest makes that last. Called off the event loops: it waits for the disk.
    func stop(_ harm: Harm) {
        let exposure = harm.exposure
        guard exposure.keeping.gate.close() else { return }
        let milliseconds = Double((NIODeadline.now() - harm.since).nanoseconds) / 1e6
        let stamp = exposure.candidate.stamp
        put(
            Veto(
                service: stamp.service, release: stamp.release, spec: exposure.spec, reason: harm.reason, breach: harm.breach, milliseconds: max(0, milliseconds),
                at: clock.now()))
    }

    /// A release that must not be tried again.
    func put(_ veto: Veto) {
        let added = vetoes.add(veto)
        current.withdraw(veto.spec, from: veto.service)
        guard let veto = added else { return }
        logger.error("a release is vetoed; the champion answers", metadata: ["release": "\(veto.release)", "reason": "\(veto.reason)"])
    }
}
