// A world in which stages run: outputs that depend on what they are made from, and a catalog of what was made.
import Pipelines
import Primitives
import TestKit

struct PlanWorld {
    var graph: PipelineGraph
    var declared: [StageName: DeclaredComponents]
    var known = KnownExecutions()
    var forced: Set<StageName> = []
    /// Stages whose outputs are always the same, whatever they are made from.
    var constant: Set<StageName> = []
    private var runs = 0

    init(_ text: String = Sample.text) throws {
        graph = try Sample.graph(text)
        declared = try Sample.declared(graph)
    }

    func plan(_ finished: [StageName: StageOutcome] = [:]) -> Plan { Plan(graph: graph, declared: declared, known: known, finished: finished, forced: forced) }

    /// What executing the stage with these components would publish.
    func execution(of stage: StageName, _ components: StageComponents, run: String) throws -> StageExecution {
        var outputs: [SlotName: ArtifactContent] = [:]
        for output in components.declared.outputs.keys {
            outputs[output] = constant.contains(stage) ? file("\(stage).\(output)") : file("\(stage).\(output) of \(components.fingerprint)")
        }
        return StageExecution(
            run: try name(run), stage: stage, attempt: 1, fingerprint: components.fingerprint, outputs: outputs, sandbox: ["bubblewrap"], started: World.now,
            finished: World.now.adding(.seconds(2)))
    }

    /// Carries plans out until nothing waits; answers with each stage's last decision, in the order in which they fell.
    @discardableResult mutating func run() throws -> [(stage: String, decision: Plan.Decision)] {
        runs += 1
        var finished: [StageName: StageOutcome] = [:], decisions: [(stage: String, decision: Plan.Decision)] = []
        while finished.count < graph.order.count {
            let step = try required(plan(finished).steps.first { finished[$0.stage] == nil }, "a step that is not finished")
            decisions.append((step.stage.text, step.decision))
            switch step.decision {
            case .reuse(let execution, _): finished[step.stage] = .reused(execution)
            case .run:
                let components = try required(step.components, "the components of a stage that runs")
                let execution = try execution(of: step.stage, components, run: "r\(runs)")
                known.insert(newest: execution, components: components)
                finished[step.stage] = .ran(execution)
            case .waiting, .finished: throw FixtureError(description: "\(step.stage) was the first, and still \(step.decision)")
            }
        }
        return decisions
    }

    /// `stage: sentence` for those that ran, and `stage = sentence` for those that did not.
    mutating func told() throws -> [String] {
        try run().map { stage, decision in
            switch decision {
            case .run(let reasons): "\(stage): \(reasons.map(\.sentence).joined(separator: "; "))"
            case .reuse(_, let reason): "\(stage) = \(reason.sentence)"
            case .waiting, .finished: "\(stage)?"
            }
        }
    }

    mutating func change(_ name: String, _ body: (inout DeclaredComponents) throws -> Void) throws {
        var components = try required(declared[try stage(name)], "the stage \(name)")
        try body(&components)
        declared[try stage(name)] = components
    }
}
