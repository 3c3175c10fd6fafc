// Why a pipeline, its plan or its run cannot be what was asked.
package import Primitives

/// A refusal by this room. A penstock.yaml that does not read is refused with `DocumentError`, which names its line.
package struct PipelineError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case graph, phase, unknownName, unreadable, tree, incomplete }
        private var value: Value
        /// The stages do not fit together; `problems` lists every place.
        package static let graph = Code(value: .graph)
        /// The run or the stage is in another state than this needs: fold its events again and look.
        package static let phase = Code(value: .phase)
        /// The pipeline has no such stage, output or parameter, or the value given for it is of another type.
        package static let unknownName = Code(value: .unknownName)
        /// Stored by a newer program, or damaged.
        package static let unreadable = Code(value: .unreadable)
        /// A folder that no digest can name.
        package static let tree = Code(value: .tree)
        /// Something that a fingerprint needs was not given.
        package static let incomplete = Code(value: .incomplete)
    }

    package var code: Code
    /// What was refused, why, and what to do, for people.
    package var message: String
    package var stage: StageName?
    /// Only with the code `graph`: everything that is wrong, in the order of the file.
    package var problems: [PipelineProblem]

    package init(_ code: Code, _ message: String, stage: StageName? = nil, problems: [PipelineProblem] = []) {
        self.code = code
        self.message = message
        self.stage = stage
        self.problems = problems
    }

    package var description: String { message }
}

/// One thing that is wrong with a pipeline whose file reads: where, what kind, and a sentence with the remedy.
package struct PipelineProblem: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable, CaseIterable {
        case duplicateName, unknownParameter, parametersTooLarge
        case unknownStage, unknownOutput, selfInput, cycle
        case missingContract, contractMismatch, noEvidence
    }

    package var kind: Kind
    package var place: SourcePlace
    package var message: String

    package init(_ kind: Kind, _ message: String, at place: SourcePlace) {
        self.kind = kind
        self.message = message
        self.place = place
    }

    package var description: String { "\(place): \(message)" }
}
