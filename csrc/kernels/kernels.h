// Every kernel, in the order a frame meets them.
#pragma once

#include "kernels/min_projection.h"  // running minimum over the frames of a run
