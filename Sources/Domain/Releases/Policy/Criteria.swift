// Whether the evidence at hand meets what a policy asks for.
package import Primitives
package import Registry

extension ReleasePolicy {
    /// One result per criterion, in the policy's order. Missing, stale or unmeasured evidence is never `met`.
    ///
    /// `evaluations` and `rehearsals` are about the candidate's artifact, oldest first; only the newest counts. A fallback, which has no
    /// artifact, has no criteria. `isFirst` says that the release follows the fallback.
    package func results(
        artifact: Digest?, baseline: Digest?, isFirst: Bool, evaluations: [Evaluation], rehearsals: [Reversibility], at now: Instant
    ) -> [CriterionResult] {
        guard let artifact else { return [] }
        return evaluationResults(artifact, isFirst, evaluations.last, now) + rehearsalResults(artifact, baseline, rehearsals)
    }

    private func evaluationResults(_ artifact: Digest, _ isFirst: Bool, _ evaluation: Evaluation?, _ now: Instant) -> [CriterionResult] {
        guard let rule = self.evaluation else { return [] }
        let criteria = isFirst ? firstRelease?.criteria ?? rule.criteria : rule.criteria
        return criteria.map { criterion in
            let verdict: Verdict
            if let evaluation {
                let age = now.since(evaluation.measured)
                if age > rule.maxAge || age < .zero {
                    verdict = .missing
                } else if let value = evaluation.metrics[criterion.metric], value.isFinite {
                    verdict = criterion.isMet(by: value) ? .met : .failed
                } else {
                    verdict = .errored
                }
            } else {
                verdict = .missing
            }
            return CriterionResult(
                validator: "evaluation", criterion: criterion.spelled, subjects: [artifact] + (evaluation.map { [$0.dataset] } ?? []), verdict: verdict)
        }
    }

    private func rehearsalResults(_ artifact: Digest, _ baseline: Digest?, _ rehearsals: [Reversibility]) -> [CriterionResult] {
        guard let within = rehearsedWithin else { return [] }
        let fitting = rehearsals.last { $0.baseline == baseline }
        let verdict: Verdict =
            fitting.map { fitting in
                guard fitting.answers > 0, fitting.milliseconds >= 0 else { return .errored }
                return fitting.milliseconds.isFinite && fitting.milliseconds <= within.seconds * 1000 ? .met : .failed
            } ?? .missing
        return [
            CriterionResult(
                validator: "reversibility", criterion: "back within \(within.spelled)", subjects: [artifact] + (baseline.map { [$0] } ?? []), verdict: verdict)
        ]
    }
}
