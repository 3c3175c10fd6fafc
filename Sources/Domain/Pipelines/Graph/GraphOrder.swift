// Sorts stages so that each comes after what it reads, and names the circles that make this impossible.
internal import Primitives

struct GraphOrder {
    /// Stages in circles, and those behind them, are missing.
    private(set) var sorted: [StageName] = []
    private(set) var problems: [PipelineProblem] = []
    private let stages: [StageSpec]
    /// By position in the file: who reads from it. Reading from oneself is another problem.
    private let readers: [[Int]]

    init(_ spec: PipelineSpec) {
        stages = spec.stages
        let positions = Dictionary(spec.stages.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        var readers = [[Int]](repeating: [], count: spec.stages.count)
        for (reader, stage) in spec.stages.enumerated() {
            for producer in Set(stage.inputs.compactMap { positions[$0.from.stage] }) where producer != reader { readers[producer].append(reader) }
        }
        self.readers = readers
        let rest = sort()
        findCircles(in: rest)
    }

    /// Takes the first stage of the file that waits for nobody, again and again; answers with those that never came up.
    private mutating func sort() -> Set<Int> {
        var waiting = [Int](repeating: 0, count: stages.count)
        for reader in readers.joined() { waiting[reader] += 1 }
        var rest = Set(stages.indices)
        var ready = stages.indices.filter { waiting[$0] == 0 }
        while let next = ready.min() {
            ready.removeAll { $0 == next }
            rest.remove(next)
            sorted.append(stages[next].name)
            for reader in readers[next] {
                waiting[reader] -= 1
                if waiting[reader] == 0 { ready.append(reader) }
            }
        }
        return rest
    }

    /// Shortest circles, each from its first stage in the file, until every stage that stands in one has been named.
    private mutating func findCircles(in rest: Set<Int>) {
        var named: Set<Int> = []
        for start in rest.sorted() where !named.contains(start) {
            guard let circle = circle(from: start, within: rest) else { continue }
            named.formUnion(circle)
            let path = (circle + [start]).map { stages[$0].name.text }.joined(separator: " → ")
            problems.append(PipelineProblem(.cycle, "these stages wait for one another: \(path); break the circle", at: stages[start].place))
        }
    }

    private func circle(from start: Int, within rest: Set<Int>) -> [Int]? {
        var previous: [Int: Int] = [:]
        var queue = [start]
        while let stage = queue.first {
            queue.removeFirst()
            for reader in readers[stage] where rest.contains(reader) {
                guard reader != start else {
                    var circle = [stage]
                    while let last = circle.last, last != start, let before = previous[last] { circle.append(before) }
                    return circle.reversed()
                }
                if previous[reader] == nil {
                    previous[reader] = stage
                    queue.append(reader)
                }
            }
        }
        return nil
    }
}
