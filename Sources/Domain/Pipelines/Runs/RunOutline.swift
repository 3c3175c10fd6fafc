// What a run sets out to do, in the order in which it may be done.
package import Primitives

/// The stages of a run as its history needs them: a graph that later changes of the file do not touch.
package struct RunOutline: Hashable, Sendable, Codable {
    package struct Stage: Hashable, Sendable, Codable {
        package var name: StageName
        /// The stages that it reads from directly; all of them stand earlier in the outline.
        package var needs: [StageName]
        package var outputs: [SlotName]
        package var retries: Int

        package init(name: StageName, needs: [StageName], outputs: [SlotName], retries: Int) {
            self.name = name
            self.needs = needs
            self.outputs = outputs
            self.retries = retries
        }
    }

    package var pipeline: PipelineName
    /// Of the bytes of penstock.yaml.
    package var file: Digest
    package var stages: [Stage]

    package init(pipeline: PipelineName, file: Digest, stages: [Stage]) {
        self.pipeline = pipeline
        self.file = file
        self.stages = stages
    }

    package init(_ graph: PipelineGraph, file: Digest) {
        self.init(
            pipeline: graph.spec.name, file: file,
            stages: graph.orderedStages.map {
                Stage(name: $0.name, needs: graph.producers(of: $0.name), outputs: $0.outputs.map(\.name), retries: $0.retries)
            })
    }

    /// Why no run can follow it; `nil` when one can.
    var fault: String? {
        var seen: Set<StageName> = []
        for stage in stages {
            if let early = stage.needs.first(where: { !seen.contains($0) }) { return "'\(stage.name)' needs '\(early)', which does not stand before it" }
            guard seen.insert(stage.name).inserted else { return "'\(stage.name)' stands twice" }
        }
        return stages.isEmpty ? "it has no stages" : nil
    }
}
