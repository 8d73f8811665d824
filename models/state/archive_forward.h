// For headers of components that an archive takes.
#pragma once

namespace hvsim::state {

class Archive;

}  // namespace hvsim::state
