// What a plan decides for each stage, and how it says why.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct PlanTests {
    private static let same = "nothing that it depends on changed"
    private static let unchanged = ["ingest = \(same)", "features = \(same)", "train = \(same)", "evaluate = \(same)", "register = \(same)"]

    /// A world in which everything has run once.
    private static func world(_ text: String = Sample.text) throws -> PlanWorld {
        var world = try PlanWorld(text)
        try world.run()
        return world
    }

    @Test func nothingIsKnownAtFirst() throws {
        let world = try PlanWorld(), plan = world.plan()
        #expect(plan.steps.map(\.stage) == world.graph.order)
        #expect(try plan[stage("ingest")] == .run([.neverRun]))
        #expect(try plan[stage("features")] == .waiting(on: [stage("ingest")]) && plan[stage("train")] == .waiting(on: [stage("features")]))
        #expect(try plan[stage("evaluate")] == .waiting(on: [stage("features"), stage("train")]))
        #expect(try plan[stage("register")] == .waiting(on: [stage("train"), stage("evaluate")]) && plan[stage("nobody")] == nil)
        #expect(plan.steps.map { $0.components == nil } == [false, true, true, true, true])
    }

    @Test func whatWasMadeIsReused() throws {
        var world = try PlanWorld()
        #expect(try world.told() == ["ingest", "features", "train", "evaluate", "register"].map { "\($0): it has never run" })
        #expect(try world.told() == Self.unchanged)
        let steps = world.plan().steps
        for step in steps {
            guard case .reuse(let execution, .unchanged) = step.decision else {
                Issue.record("\(step)")
                continue
            }
            #expect(execution.run.text == "r1" && execution.stage == step.stage && execution.fingerprint == step.components?.fingerprint)
        }
    }

    @Test func aFinishedStageIsNotDecidedAgain() throws {
        var world = try Self.world()
        let ingest = try stage("ingest")
        world.forced = [ingest]
        let execution = try world.execution(of: ingest, StageComponents(try #require(world.declared[ingest]), inputs: [:]), run: "r2")
        let plan = world.plan([ingest: .ran(execution)])
        #expect(plan[ingest] == .finished(.ran(execution)))
        #expect(try plan[stage("features")].map { if case .reuse(_, .sameOutputs) = $0 { true } else { false } } == true)
    }

    /// `--set until=…` runs just what depends on it.
    @Test func aParameterReachesWhatNamesItAndWhatFollows() throws {
        var world = try Self.world()
        let spec = try Sample.read(Sample.text).setting([ParameterOverride(parsing: "until=2013-07-31"), ParameterOverride(parsing: "verbose=true")])
        world.graph = try PipelineGraph(validating: spec, contracts: try Sample.contracts())
        world.declared = try Sample.declared(world.graph)
        #expect(
            try world.told() == [
                "ingest: parameter 'until' changed from 2013-06-30 to 2013-07-31", "features: input 'flights' changed: ingest.flights has other content",
                "train: input 'train' changed: features.train has other content",
                "evaluate: input 'data' changed: features.holdout has other content; input 'model' changed: train.model has other content",
                "register: input 'evidence' changed: evaluate.evaluation has other content; input 'model' changed: train.model has other content",
            ])
        #expect(try world.told() == Self.unchanged)
    }

    @Test func aStageInTheMiddleLeavesTheFirstOnesAlone() throws {
        var world = try Self.world()
        try world.change("train") { $0.parameters[try parameter("trees")] = .number(400) }
        let told = try world.told()
        #expect(told[0...2] == ["ingest = \(Self.same)", "features = \(Self.same)", "train: parameter 'trees' changed from 300 to 400"])
        #expect(told[3].hasPrefix("evaluate: ") && told[4].hasPrefix("register: "))
    }

    @Test func theSameOutputsCutTheRunShort() throws {
        var world = try PlanWorld()
        world.constant = [try stage("ingest")]
        try world.run()
        try world.change("ingest") { $0.parameters[try parameter("until")] = .text("2014") }
        #expect(
            try world.told() == [
                "ingest: parameter 'until' changed from 2013-06-30 to 2014", "features = what it reads was made again and came out the same: ingest.flights",
                "train = \(Self.same)", "evaluate = \(Self.same)", "register = \(Self.same)",
            ])
        #expect(try world.told() == Self.unchanged)
    }

    @Test func aChangeTakenBackFindsTheOldResult() throws {
        var world = try Self.world()
        let before = world.declared
        try world.change("ingest") { $0.sources[try slot("raw")]?.content = file("other rows") }
        #expect(try world.told()[0] == "ingest: source 'raw' changed")
        world.declared = before
        #expect(try world.told() == Self.unchanged)
    }

    @Test func whatWasAskedForRuns() throws {
        var world = try Self.world()
        world.forced = [try stage("train")]
        #expect(
            try world.told() == [
                "ingest = \(Self.same)", "features = \(Self.same)", "train: it was asked to run", "evaluate = what it reads was made again and came out the same: train.model",
                "register = what it reads was made again and came out the same: train.model",
            ])
    }

    @Test func whatPromisesNothingRunsEachTime() throws {
        var world = try PlanWorld(Sample.text([19: "    determinism: none"]))
        #expect(try world.told()[2] == "train: its determinism is none, so no result is reused; it has never run")
        #expect(
            try world.told()[2...] == [
                "train: its determinism is none, so no result is reused", "evaluate = what it reads was made again and came out the same: train.model",
                "register = what it reads was made again and came out the same: train.model",
            ])
        try world.change("train") { $0.parameters[try parameter("seed")] = .number(8) }
        #expect(try world.told()[2] == "train: its determinism is none, so no result is reused; parameter 'seed' changed from 7 to 8")
    }

    @Test func whatIsGoneIsMadeAgain() throws {
        var world = try Self.world()
        guard case .reuse(let features, _) = try world.plan()[stage("features")] else {
            Issue.record("features is not reused")
            return
        }
        world.known.missing = [try #require(features.outputs[slot("holdout")])]
        #expect(try world.plan()[stage("features")] == .run([.artifactMissing(slot("holdout"))]))
        #expect(try world.plan()[stage("train")] == .waiting(on: [stage("features")]))
        #expect(try world.told()[1...2] == ["features: the output 'holdout' is no longer stored", "train = what it reads was made again and came out the same: features.train"])
        // A record that lacks an output counts as one whose output is gone.
        world.known = KnownExecutions()
        try world.run()
        var damaged = features
        damaged.outputs[try slot("train")] = nil
        world.known.insert(damaged)
        #expect(try world.plan()[stage("features")] == .run([.artifactMissing(slot("train"))]))
    }

    /// A catalog that is asked fingerprint by fingerprint.
    @Test func aResultThatWasLookedUpLaterIsReused() throws {
        let full = try Self.world()
        var world = try PlanWorld(), asked = 0
        while let step = world.plan().steps.first(where: { if case .run = $0.decision { true } else { false } }) {
            let components = try #require(step.components)
            let found = try #require(full.known.execution(of: components.fingerprint))
            #expect(full.known.newestComponents(of: step.stage) == components && world.known.newestComponents(of: step.stage) == nil)
            world.known.insert(found)
            asked += 1
        }
        #expect(asked == 5 && world.plan().steps.allSatisfy { if case .reuse(_, .unchanged) = $0.decision { true } else { false } })
    }

    /// The name is no part of a fingerprint, so a stage that was renamed keeps its result.
    @Test func aRenamedStageKeepsItsResult() throws {
        let world = try Self.world()
        var renamed = try PlanWorld(Sample.text([5: "  load:", 12: "    inputs: { flights: load.flights }"]))
        renamed.known = world.known
        #expect(try renamed.told() == ["load", "features", "train", "evaluate", "register"].map { "\($0) = \(Self.same)" })
    }

    @Test func aDamagedRecordIsNeverReused() throws {
        let world = try PlanWorld(), ingest = try stage("ingest")
        let components = StageComponents(try #require(world.declared[ingest]), inputs: [:])
        var execution = try world.execution(of: ingest, components, run: "r1")
        execution.fingerprint = fingerprint("another")
        var known = KnownExecutions()
        known.insert(newest: execution, components: components)
        let plan = Plan(graph: world.graph, declared: world.declared, known: known)
        #expect(plan[ingest] == .run([.neverRun]))
    }

    @Test func aPlanNeedsEveryStagesComponents() async {
        await #expect(processExitsWith: .failure) { _ = Plan(graph: try Sample.graph(), declared: [:], known: KnownExecutions()) }
    }
}
