// What holds of plans whatever changes: nothing is reused that differs in anything, and nothing runs without a reason.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct PlanPropertyTests {
    /// One random change of one component of one stage; `nil` when it changes nothing.
    private static func change(_ world: inout PlanWorld, _ generator: inout SeededGenerator) throws -> StageName? {
        let stage = try required(world.graph.order.randomElement(using: &generator), "a stage"), before = try required(world.declared[stage], "its components")
        var after = before
        let text = ["1", "2", "3"].randomElement(using: &generator) ?? ""
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: after.command = "python \(text)"
        case 1: after.code = after.code == nil ? nil : try Sample.tree(["train.py": text])
        case 2: after.determinism = text == "1" ? .bitwise : .tolerance
        case 3: after.environment.lock = .of(text)
        case 4: after.environment.interpreter = text
        case 5: after.environment.libc = text
        case 6: after.environment.architecture = text
        case 7: after.environment.threads = text.utf8.count + Int.random(in: 0...2, using: &generator)
        case 8: after.parameters[try parameter("p")] = text == "3" ? nil : .text(text)
        case 9: for source in after.sources.keys { after.sources[source]?.content = file(text) }
        case 10: for output in after.outputs.keys { after.outputs[output]?.contract = .of(text) }
        default: after.validators[try name("v")] = text
        }
        world.declared[stage] = after
        return after == before ? nil : stage
    }

    /// Ten thousand decisions, each checked against a ledger of its own: what was published for which essence.
    @Test func aResultIsReusedExactlyWhenNothingDiffers() throws {
        let first = try PlanWorld()
        for seed in 0..<50 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed), world = first, made: [Essence: StageExecution] = [:]
            world.constant = Set(world.graph.order.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 })
            for _ in 0..<40 {
                _ = try Self.change(&world, &generator)
                var finished: [StageName: StageOutcome] = [:]
                while let step = world.plan(finished).steps.first(where: { finished[$0.stage] == nil }) {
                    let components = try required(step.components, "components, since the stages before it are finished"), before = made[components.essence]
                    switch step.decision {
                    case .reuse(let execution, let reason):
                        #expect(execution == before, "seed \(seed): \(step.stage) was reused and differs")
                        let again = world.graph.producers(of: step.stage).contains { if case .ran = finished[$0] { true } else { false } }
                        #expect((reason != .unchanged) == again, "seed \(seed): \(step.stage)")
                        finished[step.stage] = .reused(execution)
                    case .run(let reasons):
                        #expect(before == nil && !reasons.isEmpty, "seed \(seed): \(step.stage) ran again though nothing differs")
                        let execution = try world.execution(of: step.stage, components, run: "r1")
                        world.known.insert(newest: execution, components: components)
                        made[components.essence] = execution
                        finished[step.stage] = .ran(execution)
                    case .waiting, .finished: Issue.record("seed \(seed): \(step)")
                    }
                }
            }
        }
    }

    /// The change itself is told, at the stage where it was made, and nowhere before it.
    @Test func aChangeIsToldWhereItWasMade() throws {
        var first = try PlanWorld()
        try first.run()
        for seed in 0..<500 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed), world = first
            guard let changed = try Self.change(&world, &generator) else { continue }
            let decisions = try world.run()
            for (name, decision) in decisions {
                let stage = try stage(name)
                let isBehind = stage == changed || world.graph.upstream(of: stage).contains(changed)
                guard case .run(let reasons) = decision else {
                    #expect(stage != changed, "seed \(seed)")
                    continue
                }
                #expect(isBehind, "seed \(seed): \(name) ran, and it does not depend on \(changed)")
                let areInputs = reasons.allSatisfy { if case .inputChanged = $0 { true } else { false } }
                #expect(areInputs == (stage != changed), "seed \(seed): \(name): \(reasons)")
            }
        }
    }
}
