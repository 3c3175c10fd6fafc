// What a node keeps about exposure, as the agent uses it.
internal import Logging
internal import NIOCore
internal import Ports
internal import Primitives
internal import Releases

/// Vetoes, the marker, and the comparing thread. Used by the agent alone, but for the brake and the comparer, which any thread may use.
final class ExposingState: Sendable {
    /// `nil` where nothing is recorded; then nothing is exposed.
    let comparer: Comparer?
    let brake: Brake
    let leaseSpan: TimeAmount
    private let marker: ExposureMarker
    private let clock: any WallClock
    private let logger: Logger

    init(
        folder: String, current: CurrentSnapshot, log: (any DecisionLog)?, nodes: Int, leaseSpan: Duration, clock: any WallClock, logger: Logger
    ) {
        let brake = Brake(vetoes: VetoBook(folder: folder), current: current, clock: clock, logger: logger)
        self.brake = brake
        comparer = log.map { Comparer(log: $0, nodes: nodes, clock: clock, brake: brake) }
        marker = ExposureMarker(folder: folder)
        self.leaseSpan = TimeAmount(min(leaseSpan, Lease.span))
        self.clock = clock
        self.logger = logger
    }

    /// At the start, before anything is loaded.
    func begin() {
        if let damage { logger.error("nothing is exposed here", metadata: ["reason": "\(damage)"]) }
        do {
            for entry in try marker.begin() {
                let reason = "this node died \(entry.starts) times in a row while \(entry.release) was a candidate here"
                brake.put(Veto(service: entry.service, release: entry.release, spec: entry.spec, reason: reason, at: clock.now()))
            }
        } catch { logger.error("a start under a candidate is not counted", metadata: ["reason": "\(error)"]) }
    }

    var damage: String? { brake.vetoes.damage }

    func veto(of spec: Digest) -> Veto? { brake.vetoes[spec] }

    func mayExpose(_ spec: Digest) -> Bool { comparer?.recall(of: spec) == .done && damage == nil && veto(of: spec) == nil }

    func keeping(of spec: Digest, _ service: ServiceName) -> ExposureKeeping { brake.keeping(of: spec, service) }

    func mark(_ release: VerifiedRelease) throws(ServingError) { try marker.add(release) }

    func keep(only spec: Digest?, of service: ServiceName) throws(ServingError) { try marker.keep(only: spec.map { [$0] } ?? [], of: service) }

    /// Begins to look at what this node saw of a candidate before it was restarted, which may be a veto. The answer is what stands against exposing it.
    func recall(_ exposure: Exposure) -> String? {
        guard case .failed(let reason) = comparer?.recall(exposure) else { return nil }
        return "what this node saw of \(exposure.candidate.stamp.release) before its restart cannot be read: \(reason)"
    }

    func isRecalling(_ spec: Digest) -> Bool { comparer?.recall(of: spec) == .underWay }

    /// Lets go of what is neither exposed nor about to be. The answer is what was vetoed since the last call.
    func settle(_ snapshot: ServingSnapshot, planned: Set<Digest>) -> [Veto] {
        let vetoes = brake.vetoes.takeNew()
        comparer?.keep(only: planned.union(snapshot.exposures.map(\.spec)))
        do {
            for veto in vetoes { try marker.keep(only: [], of: veto.service) }
            try marker.forgive()
        } catch { logger.warning("the mark of a candidate waits for the disk", metadata: ["reason": "\(error)"]) }
        return vetoes
    }

    /// A clean stop is nobody's fault.
    func end() {
        do { try marker.end() } catch { logger.error("this stop will count as a death", metadata: ["reason": "\(error)"]) }
    }
}
