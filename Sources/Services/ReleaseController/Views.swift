// The state as it is shown.
private import Evidence
package import Ports
package import Primitives
package import Releases

extension SystemState {
    func view(of release: Release) -> ReleaseView {
        let approvals = release.approvals.compactMap { try? $0.decodeUnverified(Approval.self, as: Approval.payloadType) }
        let missing = trust.flatMap { release.phase == .awaitingApproval ? (try? release.tally(trust: $0))?.spelled : nil } ?? ""
        return ReleaseView(
            id: release.id, phase: release.phase, proposal: release.proposal, spec: release.specDigest, specBytes: release.spec, results: release.results,
            approvals: approvals, missing: missing, ending: release.ending, changed: release.changed,
            history: (histories[release.id] ?? []).map { .init(index: $0.index, kind: $0.kind, at: $0.at, detail: $0.detail, signed: $0.signed) })
    }

    /// What was meant and what was seen at that instant. Pure over the ledger: the same question has the same answer for ever.
    package func live(at instant: Instant) -> [LiveView] {
        guard let table = tables.last(where: { $0.at <= instant })?.table else { return [] }
        return table.routes.compactMap { route in
            guard let bundle = table.bundles.first(where: { $0.digest == route.champion }), let spec = try? ReleaseSpec.read(bundle.spec.bytes) else { return nil }
            let approvals = bundle.approvals.compactMap { try? $0.decodeUnverified(Approval.self, as: Approval.payloadType) }
            var newest: [NodeID: Digest] = [:]
            for observation in observations where observation.service == route.service && observation.state == .active && observation.at <= instant {
                newest[observation.node] = observation.spec
            }
            return LiveView(
                service: route.service, at: instant, order: table.order, release: spec.release, model: spec.proposal.model, artifact: spec.model?.artifact,
                spec: route.champion, approvedBy: approvals.map(\.person), criteria: spec.criteria,
                observedOn: newest.filter { $0.value == route.champion }.keys.sorted())
        }
    }
}
