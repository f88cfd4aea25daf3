// Every kernel, in the order a frame meets them.
#pragma once

#include "kernels/components.h"      // connected components: statistics, labels, editing
#include "kernels/min_projection.h"  // running minimum over the frames of a run
